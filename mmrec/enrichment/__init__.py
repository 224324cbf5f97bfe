"""Movies of a reader's own: the ``mmrec enrich`` command."""
