"""Pages about the package itself, read from its text and never by importing it."""
