"""Catalogue, features, folds and predictions in the forms that other programs read."""
