"""The catalogue of movies: where its data come from, and which belong to the right film."""
