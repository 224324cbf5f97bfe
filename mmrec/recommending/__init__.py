"""The served model: trained once on all ratings, then asked by anybody about any film."""
