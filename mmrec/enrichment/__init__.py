"""``mmrec enrich``: a catalogue of any list of movies, by asking web services."""
