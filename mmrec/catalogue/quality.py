"""Tables on the catalogue's quality: coverage and rejected matches."""

import pandas as pd

from mmrec.catalogue.provider import MISSING, REJECTED, UNVERIFIED, VERIFIED
from mmrec.catalogue.tables import Catalogue

# Field of the catalogue -> which modalities it feeds.
FIELDS = {
    "summary": "text, meta",
    "genres": "meta",
    "directors": "meta",
    "imdb_rating": "meta",
    "cast": "",
    "runtime_minutes": "",
    "poster": "video (stand-in)",
    "trailer_youtube_id": "video, audio",
}


def locations(catalogue: Catalogue) -> pd.DataFrame:
    """Which location served each resource of the run: ``served by``, ``licence``, by resource."""
    table = pd.DataFrame.from_dict(catalogue.sources, orient="index")
    return table[["place", "licence"]].rename(columns={"place": "served by"})


def coverage(catalogue: Catalogue) -> pd.DataFrame:
    """How much each field covers.

    Returns:
        Indexed by field: the modalities it feeds, the number of movies that have it, and the
        shares (0-1) of the movies and of the ratings that these make up.
    """
    movies = catalogue.movies.set_index("movie_id")
    rated = catalogue.ratings["movie_id"]
    rows = {}
    for field, modalities in FIELDS.items():
        values = movies[field]
        # A list is known if there is something in it, anything else if it is not null.
        known = values.map(
            lambda value: bool(value) if isinstance(value, list) else pd.notna(value)
        )
        rows[field.replace("_", " ")] = {
            "feeds": modalities,
            "movies": int(known.sum()),
            "share of movies": known.mean(),
            "share of ratings": rated.map(known).mean(),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def origins(catalogue: Catalogue) -> pd.DataFrame:
    """Number of movies by field (row) and source of the field (column)."""
    fields = ("summary", "directors", "cast", "imdb_rating")
    table = pd.DataFrame(
        {
            field.replace("_", " "): catalogue.movies[f"{field}_source"]
            .fillna("none")
            .value_counts()
            for field in fields
        }
    )
    return table.T.fillna(0).astype(int)


def match_status(catalogue: Catalogue) -> pd.DataFrame:
    """Movies by the status of their IMDb match, and their share (0-1) of the ratings."""
    movies = catalogue.movies.set_index("movie_id")["match_status"]
    order = [VERIFIED, UNVERIFIED, REJECTED, MISSING]
    rated = catalogue.ratings["movie_id"].map(movies).value_counts(normalize=True)
    counts = pd.DataFrame({"movies": movies.value_counts(), "share of ratings": rated})
    return counts.reindex(order).fillna(0).astype({"movies": int})


def rejections(catalogue: Catalogue) -> pd.DataFrame:
    """Rejected matches counted by reason and provider."""
    return pd.crosstab(catalogue.rejected["reason"], catalogue.rejected["provider"])


def twins(catalogue: Catalogue) -> pd.DataFrame:
    """Films with several ids: their ids, titles and number of ratings."""
    movies = catalogue.movies
    counts = catalogue.ratings["movie_id"].value_counts()
    several = movies[movies["film_id"].duplicated(keep=False)]
    several = several.assign(ratings=several["movie_id"].map(counts).fillna(0).astype(int))
    return several.groupby("film_id").agg(
        title=("title", "first"),
        year=("year", "first"),
        movie_ids=("movie_id", list),
        ratings=("ratings", list),
    )
