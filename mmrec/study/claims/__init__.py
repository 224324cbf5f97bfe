"""Sentences that check themselves: what the prose says of the results, by name."""
