"""A model that reads no content but this project's own: open synopses and open facts.

What it says may be published: its content is CC-BY, and of the ratings only what all users have in
common is left in it.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from mmrec.catalogue import sources, tables
from mmrec.catalogue.providers import open_data
from mmrec.features import text
from mmrec.features.graph.facts import MIN_FILMS, flags_of, names_shared, years_of
from mmrec.features.table import FeatureTable
from mmrec.recommending import training
from mmrec.recommending.storing import Model
from mmrec.workspace import Workspace

FOLDER = "model-open"
"""Folder of the model in a workspace."""


def train(workspace: Workspace) -> Model:
    """The model on open data alone, of a workspace's ratings: trained, or read if it is there.

    Films that the open data does not hold take part by their ratings.

    Raises:
        StudyError: There is no catalogue, or the encoder of texts is not available.
    """
    catalogue = tables.load(workspace)
    movies = described(catalogue.movies, workspace)
    told = open_data.only(catalogue.movies, workspace.cache)
    found = {"facts-open": facts(movies), "text-open": text.embed(told, cache=workspace.cache)}
    return training.kept(workspace.root / FOLDER, replace(catalogue, movies=movies), found)


def described(movies: pd.DataFrame, workspace: Workspace) -> pd.DataFrame:
    """A catalogue's movies as the open data describes them; nothing of any other source.

    Returns:
        ``movie_id, film_id, title, year, genres, directors, cast, country, language, period`` in
        the order of the catalogue. ``genres`` are the open data's themes. The title of a film
        that it does not hold is empty.
    """
    path = sources.fetch(sources.OPEN_DATA, workspace.cache).path
    assert path is not None
    ours = open_data.read(path).reindex(movies["movie_id"]).reset_index()
    lists = {"genres": "themes", "directors": "directors", "cast": "cast"}
    texts = ("title", "country", "language", "period")
    return pd.DataFrame(
        {
            "movie_id": movies["movie_id"].to_numpy(),
            "film_id": movies["film_id"].to_numpy(),
            "year": ours["year"].astype("Int64"),
            **{name: ours[name].where(ours[name].notna(), "") for name in texts},
            **{
                name: [value if isinstance(value, list) else [] for value in ours[column]]
                for name, column in lists.items()
            },
        }
    )


def facts(movies: pd.DataFrame) -> FeatureTable:
    """A column for each open fact that enough films share.

    Returns:
        Modality ``facts-open`` with the parts ``directors``, ``cast``, ``years`` (each year and
        each decade), ``themes`` and ``setting`` (period, country and language).
    """
    setting = [
        [name for name in row if name]
        for row in movies[["period", "country", "language"]].itertuples(index=False)
    ]
    stated: dict[str, Sequence[Sequence[str]]] = {
        "directors": movies["directors"].tolist(),
        "cast": movies["cast"].tolist(),
        "years": [years_of(year) for year in movies["year"]],
        "themes": movies["genres"].tolist(),
        "setting": setting,
    }
    film = movies["film_id"].to_numpy()
    names = {part: names_shared(values, film) for part, values in stated.items()}
    stated = {part: values for part, values in stated.items() if names[part]}
    present = np.array([[bool(one) for one in values] for values in stated.values()]).T
    rows = present.any(axis=1)
    flags = [flags_of(values, names[part]) for part, values in stated.items()]
    ends = np.cumsum([one.shape[1] for one in flags])
    return FeatureTable(
        "facts-open",
        movies["movie_id"].to_numpy()[rows],
        np.concatenate(flags, axis=1)[rows],
        {
            "encoder": "one-hot",
            "weights": None,
            "recipe": f"a column per fact that at least {MIN_FILMS} films share",
            "source": f"open facts on {rows.sum():,} movies",
            "stand_in": None,
        },
        {
            part: slice(int(end) - one.shape[1], int(end))
            for part, one, end in zip(stated, flags, ends, strict=True)
        },
        present[rows],
    )
