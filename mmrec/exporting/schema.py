"""The columns of the plain export, as the book lists them; a test checks them against the files."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        name: ``{…}`` stands for several columns.
        kind: Type in Parquet; CSV has the same values as text.
        meaning: What it holds, and its unit.
    """

    name: str
    kind: str
    meaning: str


_MOVIE = Column("movie_id", "int64", "the movie, with the same id in all files")
_USER = Column("user_id", "int64", "the user")
_PROVIDER = "provider of the preceding column"

SCHEMA: dict[str, tuple[Column, ...]] = {
    "movies": (
        _MOVIE,
        Column("title", "string", "in natural order, without the year"),
        Column("year", "int64", "of release"),
        Column("genres", "list of string", "names of MovieLens' genres"),
        Column("film_id", "int64", "the smallest movie id of the same film"),
        Column("imdb_id", "string", "`tt…`"),
        Column("match_status", "string", "`verified`, `unverified`, `rejected` or `missing`"),
        Column("match_reason", "string", "why the match is correct"),
        Column("summary", "string", "the plot"),
        Column("summary_source", "string", _PROVIDER),
        Column("directors", "list of string", "names"),
        Column("directors_source", "string", _PROVIDER),
        Column("cast", "list of string", "names, leading ones first"),
        Column("cast_source", "string", _PROVIDER),
        Column("imdb_rating", "double", "mean rating of IMDb's users, 1 to 10"),
        Column("imdb_votes", "double", "number of these ratings"),
        Column("imdb_rating_source", "string", _PROVIDER),
        Column("runtime_minutes", "double", "minutes"),
        Column("trailer_youtube_id", "string", "11 characters"),
        Column("poster", "string", "name of a file of the posters' source"),
    ),
    "users": (
        _USER,
        Column("age", "int64", "years"),
        Column("gender", "string", "`F` or `M`"),
        Column("occupation", "string", "one of MovieLens' 21"),
        Column("zip_code", "string", "as given by the user"),
    ),
    "ratings": (
        Column("row", "int64", "position in `u.data`, from 0; the folds are derived from it"),
        _USER,
        _MOVIE,
        Column("rating", "int64", "1 to 5 stars"),
        Column("timestamp", "int64", "seconds since 1970, UTC"),
    ),
    "folds": (
        Column("row", "int64", "the rating, as in `ratings`"),
        Column(
            "{fold}",
            "string",
            "`train`, `validation` or `test`; empty if the rating has no role in this fold",
        ),
    ),
    "new_movies": (
        Column("fold", "string", "a fold with new films"),
        Column("movie_id", "int64", "a movie that is new in this fold; lists contain only these"),
    ),
    "features/{modality}": (
        _MOVIE,
        Column("has_{part}", "bool", "whether the part is known; unknown parts are zeros"),
        Column(
            "vector", "list of float", "all parts; in CSV one column `{part}_{number}` per number"
        ),
    ),
    "runs": (
        Column("table", "string", "the result table of the run"),
        Column("row", "string", "the row of that table"),
        Column(
            "hash",
            "string",
            "hash of everything the result depends on; also the name of its predictions",
        ),
        Column("{…}", "", "settings and measures, as in the book's results"),
    ),
    "predictions/{hash}": (
        _USER,
        _MOVIE,
        Column("prediction", "float", "prediction, in stars, for a rating of the test part"),
    ),
    "credits": (
        _MOVIE,
        Column("provider", "string", "the provider queried"),
        Column("source", "string", "address of the answer"),
        Column("licence", "string", "licence of the answer"),
    ),
    "movie_ids": (_MOVIE, Column("id", "string", "your own id of the film")),
    "user_ids": (_USER, Column("id", "string", "your own id of the user")),
}
"""File without its suffix → its columns, in order."""


def page() -> str:
    """The tables of the schema in Markdown, as the book's page has them."""
    lines: list[str] = []
    for name, columns in SCHEMA.items():
        lines += [f"**`{name}`**", "", "| column | type | content |", "|---|---|---|"]
        lines += [f"| `{one.name}` | {one.kind} | {one.meaning} |" for one in columns]
        lines += [""]
    return "\n".join(lines)
