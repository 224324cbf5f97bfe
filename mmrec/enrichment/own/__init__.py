"""A folder of films of a reader's own: the list, what it says of them, their files and ratings."""
