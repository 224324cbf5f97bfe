"""Helpers behind the notebooks of the multi-modal movie recommendation study.

Data flows one way through five floors, each reading only the files of the one below::

    sources -> catalogue -> features -> experiments -> book
"""

__version__ = "0.1.0"
