"""The multi-modal movie recommendation study: what its notebooks, its book and ``mmrec`` run.

Each part uses only those before it::

    catalogue -> enrichment -> features -> models -> evaluation -> experiments -> reports
    -> recommending -> exporting -> open_data, study -> commands
"""

__version__ = "0.1.0"
