"""The catalogue of movies: where its data come from, and which of them are about the right film."""
