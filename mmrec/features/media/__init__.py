"""Vectors of pictures and sound."""
