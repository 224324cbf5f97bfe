"""One person's lists by several models, and one new film by what is told of it: chapter 13."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import joblib
import pandas as pd

from mmrec.catalogue import tables
from mmrec.evaluation.control import permuted
from mmrec.evaluation.ranking import once_per_film
from mmrec.experiments.data import Data
from mmrec.features.table import FeatureTable
from mmrec.models.base import Config, TrainingData
from mmrec.models.content_ease import ContentEaseConfig
from mmrec.models.content_likes import ContentLikesConfig
from mmrec.models.implicit import EaseConfig
from mmrec.models.list_gain import LISTED
from mmrec.models.same_list import MostPopularConfig
from mmrec.recommending import answers, embedding, learning, new_films, training
from mmrec.recommending.lists import Wish
from mmrec.recommending.reasons import Reasons
from mmrec.recommending.storing import Model
from mmrec.recommending.titles import Titles
from mmrec.workspace import Workspace

PROCESS, CONTROL = "process over pairs", "content dealt out at random"

CONTROL_FOLDER = "model-permuted"
"""Folder of the control in a workspace."""


def ratings_of(model: Model, said: Mapping[str, float]) -> dict[int, float]:
    """Ratings by position of the film, of those films that the catalogue has.

    Args:
        model: The model.
        said: Ratings by title.
    """
    titles = Titles(model.films, model.served.counts.tolist())
    found = {title: titles.meant(title) for title in said}
    return {titles.pick(places): said[title] for title, places in found.items() if places}


def trained(workspace: Workspace, *, n_jobs: int, seed: int = 0) -> tuple[Model, Model]:
    """The served model of a workspace and its control, trained at the same time if they fit.

    The control is the same process, trained on the model's content, dealt out at random among the
    films. Both are kept in the workspace, the model as :func:`mmrec.recommending.training.train`
    keeps it.

    Args:
        workspace: Its catalogue and features are read.
        n_jobs: Processes to train in, as joblib counts them.
        seed: Of the control.
    """
    content = training.content_of(workspace)
    dealt = {name: permuted(table, name, seed=seed) for name, table in content.items()}
    catalogue, root = tables.load(workspace), workspace.root
    at_once = n_jobs if training.size_of(catalogue, content).fits(2) else 1
    model, control = joblib.Parallel(at_once)(
        [
            joblib.delayed(training.kept)(root / training.FOLDER, catalogue, content),
            joblib.delayed(training.kept)(root / CONTROL_FOLDER, catalogue, dealt, named=False),
        ]
    )
    return model, control


def listed(model: Model, ratings: Mapping[int, float]) -> list[str]:
    """Names of the films that ``mmrec recommend`` would list."""
    wish = Wish(LISTED, popularity=model.served.settings["popularity"])
    found = answers.recommended(model, answers.visitor(model, ratings), wish)
    return [model.films[one.film].name for one in found]


def others(data: Data, model: Model, ratings: Mapping[int, float]) -> dict[str, list[str]]:
    """Lists of the study's models of lists, which learn from the person as from any other user.

    A tenth of the ratings chooses their settings; then they are fitted to all.

    Args:
        data: Ratings and features.
        model: The served model, which says what content there is and what films are called.
        ratings: The person's, by position of the film.

    Returns:
        Names of films, best first, by name of the model.
    """
    person = int(data.users["user_id"].max()) + 1
    own = pd.DataFrame(
        {
            "user_id": person,
            "movie_id": [model.films[place].movie_id for place in ratings],
            "rating": list(ratings.values()),
        }
    ).astype({"movie_id": "int64", "rating": data.ratings["rating"].dtype})
    divided = learning.divide(data.ratings, data.films)
    nothing = divided.validation.iloc[:0]
    first = _training(data, pd.concat([divided.train, own]), divided.validation, person)
    whole = _training(data, pd.concat([data.ratings, own]), nothing, person)
    rated = set(data.films[own["movie_id"]])
    candidates = data.films.index[~data.films.isin(rated)].tolist()
    names = {film.movie_id: film.name for film in model.films}
    found = {}
    for label, config in _models(tuple(model.about["features"])).items():
        chosen = config.build().fit(first, seed=0).chosen
        fitted = config.build().fit(whole, seed=0, chosen=chosen)
        some = fitted.recommend([person], candidates, own, 2 * LISTED)
        best = once_per_film(some, data.films, LISTED)
        found[label] = [names[movie_id] for movie_id in best["movie_id"]]
    return found


def ranks(lists: Mapping[str, list[str]]) -> pd.DataFrame:
    """Lists side by side: a row per rank, a column per model."""
    return pd.DataFrame({name: pd.Series(films) for name, films in lists.items()}).set_axis(
        range(1, max(map(len, lists.values())) + 1)
    )


def agreement(lists: Mapping[str, list[str]], model: Model) -> pd.DataFrame:
    """By model, how much its list has in common with each other one, and how well known it is.

    Returns:
        A row per model: ``shared with …`` of the process and of its control, and
        ``median ratings`` of the films listed.
    """
    counts = {
        film.name: int(count)
        for film, count in zip(model.films, model.served.counts.tolist(), strict=True)
    }
    return pd.DataFrame(
        {
            name: {
                **{
                    f"films shared with {other}": len(set(films) & set(lists[other]))
                    for other in (PROCESS, CONTROL)
                },
                "median number of ratings": int(
                    pd.Series([counts[film] for film in films]).median()
                ),
            }
            for name, films in lists.items()
        }
    ).T


def by_rating(model: Model, ratings: Mapping[int, float], why: Reasons) -> pd.DataFrame:
    """The reasons of a prediction by film rated, the strongest first.

    Returns:
        ``film``, ``adds`` and ``lower_without``, in stars.
    """
    names = [model.films[place].name for place in ratings]
    order = why.strongest(len(names))
    return pd.DataFrame(
        {
            "film": [f"{names[at]}: {list(ratings.values())[at]:.0f}" for at in order],
            "adds": why.contributions[order],
            "lower_without": why.differences[order],
        }
    )


def by_block(model: Model, ratings: Mapping[int, float], top: int) -> pd.DataFrame:
    """Of each film listed first, the prediction, its interval and what each block adds."""
    wish = Wish(top, popularity=model.served.settings["popularity"])
    found = answers.recommended(model, answers.visitor(model, ratings), wish)
    return pd.DataFrame(
        {
            model.films[one.film].name: {
                "everybody": one.reasons.expected,
                **{_short(name): stars for name, stars in one.reasons.blocks.items()},
                **_predicted(one),
            }
            for one in found
        }
    ).T


def told(**facts: object) -> pd.DataFrame:
    """A new film as a row of a catalogue's movies; what is not told of it is unknown."""
    return tables.movies_table(
        [{"movie_id": 1, "genres": [], "directors": [], "cast": [], **facts}]
    )


def new_film(
    model: Model,
    ratings: Mapping[int, float],
    movies: pd.DataFrame,
    embedded: Mapping[str, FeatureTable],
) -> dict[str, Any]:
    """What is expected of a film that nobody has rated.

    Args:
        model: The model.
        ratings: The person's, by position of the film.
        movies: The film, see :func:`told`.
        embedded: What was embedded of it, by name of the table.

    Returns:
        ``everybody``: the mean rating expected of the data set's users; then the person's
        ``prediction`` with its ``sd`` and the interval of 80 %.
    """
    added = new_films.added(model, movies, embedded)
    (place,) = added.places
    person = answers.visitor(added.model, ratings)
    mean = answers.reception(added.model, place, top=1).mean.rating
    (found,) = answers.explained(added.model, person, [place])
    return {"everybody": mean, **_predicted(found)}


def embedded(
    model: Model, movies: pd.DataFrame, trailers: Mapping[int, Path], cache: Path
) -> dict[str, FeatureTable]:
    """A new film's trailer and synopsis in the model's own encoders, as far as it has some."""
    return embedding.embed(model, movies, trailers=trailers, posters={}, cache=cache)


def _predicted(one: answers.Recommended) -> dict[str, float]:
    low, high = one.prediction.intervals[0.8]
    return {
        "prediction": one.prediction.rating,
        "sd": one.prediction.sd,
        "80 % from": low,
        "to": high,
    }


def _models(content: tuple[str, ...]) -> dict[str, Config]:
    return {
        "content and EASE": ContentEaseConfig(content),
        "likes from content": ContentLikesConfig(content),
        "EASE": EaseConfig(),
        "most popular": MostPopularConfig(),
    }


def _training(
    data: Data, train: pd.DataFrame, validation: pd.DataFrame, person: int
) -> TrainingData:
    columns = ["user_id", "movie_id", "rating"]
    users = pd.concat([data.users, pd.DataFrame({"user_id": [person]})], ignore_index=True)
    train = train[columns].reset_index(drop=True)
    return TrainingData(
        train.assign(view=0), validation[columns], (train,), users, data.movies, None, data.tables
    )


def _short(block: str) -> str:
    return block.split(": ")[-1]
