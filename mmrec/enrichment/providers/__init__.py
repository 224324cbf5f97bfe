"""Services that tell of films, a provider a file; ``--providers`` takes the names of the files.

Each file has a function ``provider(web, options)`` that makes a provider; what a provider has to
do is said in `mmrec.catalogue.provider`.
"""
