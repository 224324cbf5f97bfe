"""Enrichment providers: one file each, each returning one row per movie it knows.

A provider has one function, ``read(path) -> DataFrame`` indexed by ``movie_id``. Whoever adds one
gives as many of these columns as its source has, cleaned, with None or NaN for what is unknown:
``imdb_id``, ``year``, ``kind`` ("film", or what else the match turned out to be), ``directors``
and ``cast`` (lists of names), ``summary``, ``crowd_rating`` (0-10), ``crowd_votes``,
``runtime_minutes``, ``trailer_youtube_id``.
"""
