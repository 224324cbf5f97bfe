"""Web services as providers, one per module; ``--providers`` takes the names of the modules.

Each module has a function ``provider(web, options)`` that returns a provider, as
`mmrec.catalogue.provider` defines it.
"""
