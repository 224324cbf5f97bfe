"""Benchmarks: what the speed page of the book reports."""
