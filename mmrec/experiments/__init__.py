"""Floor four: protocols, metrics and the grid that trains one model per experiment."""
