"""Open synopses and facts for the most-rated movies of MovieLens-100K (CC-BY-4.0)."""

from pathlib import Path

PATH = Path(__file__).parent / "movies.csv"
