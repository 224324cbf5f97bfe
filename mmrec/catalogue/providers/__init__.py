"""The study's own providers, one per module; each reads one file."""
