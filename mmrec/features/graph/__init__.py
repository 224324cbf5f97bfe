"""Vectors of the knowledge graph."""
