"""Files that tell of MovieLens' movies, a provider a module."""
