"""Models: they know features and training pairs, nothing of protocols."""
