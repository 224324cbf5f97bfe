"""A reader's own folder of films: the list, the facts in it, the files and the ratings."""
