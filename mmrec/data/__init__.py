"""Floors one and two: verified source files, and the catalogue built from them."""
