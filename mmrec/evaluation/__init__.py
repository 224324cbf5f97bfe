"""Folds, protocols, metrics and inference."""
