"""What is known of the movies: bytes, facts, and whom to believe."""
