"""Helpers behind the notebooks of the multi-modal movie recommendation study.

Each part uses only those before it::

    catalogue -> enrichment -> features -> models -> evaluation -> experiments -> reports
"""

__version__ = "0.1.0"
