"""Enrichment providers: one file each, each returning one row per movie it knows."""
