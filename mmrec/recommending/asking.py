"""From what is typed to what is answered: ``mmrec recommend`` without its command line."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mmrec.catalogue import own, tables
from mmrec.errors import StudyError
from mmrec.features.table import FeatureTable, load_tables
from mmrec.recommending import answers, given, new_films, storing, told, training
from mmrec.recommending.exchange import Answer, Somebody
from mmrec.recommending.lists import DIVERSITY, Wish
from mmrec.recommending.people import Person, Visitor
from mmrec.recommending.served import Positions
from mmrec.recommending.storing import Model
from mmrec.recommending.titles import Titles, shown
from mmrec.workspace import Workspace


@dataclass(frozen=True)
class Asked:
    """A model, and which of its films may be recommended.

    Attributes:
        model: The model.
        cache: Of the workspace, for what is embedded.
        among: Positions of the films that may be recommended; None for all.
        notices: What of a catalogue's features the model could not compare.
        people: A reader's own ids of users, by their numbers; empty for MovieLens.
    """

    model: Model
    cache: Path
    among: Positions | None = None
    notices: Sequence[str] = ()
    people: Mapping[int, str] = field(default_factory=dict)

    @cached_property
    def titles(self) -> Titles:
        """The films by title."""
        return Titles(self.model.films, self.model.served.counts.tolist())

    def user(self, said: str) -> Somebody:
        """A user of the model's own ratings, by number or by the id that a reader's file gave.

        Raises:
            StudyError: There is none of that id.
        """
        known = {name: number for number, name in self.people.items()}
        is_number = not known and said.isascii() and said.isdigit()
        if said not in known and not is_number:
            raise StudyError(
                f"there is no user {shown(said)}",
                where="--user",
                remedy="Give the number or id of a user who has rated; of anybody else, ratings.",
            )
        number = int(said) if is_number else known[said]
        person = answers.user(self.model, number)
        return Somebody(person, {"kind": "user", "user": self._called(number)}, number=number)

    def _called(self, number: int) -> int | str:
        """A user's id in the reader's words, if there are any."""
        return self.people.get(number, number)

    def visitor(
        self,
        *,
        likes: Sequence[str] = (),
        dislikes: Sequence[str] = (),
        ratings: Path | None = None,
        like: float = given.LIKE,
        dislike: float = given.DISLIKE,
    ) -> Somebody:
        """Somebody who likes and dislikes films, or rates them in a file.

        Args:
            likes: Titles.
            dislikes: Titles.
            ratings: A CSV, see :func:`mmrec.recommending.given.read_ratings`; a like or a dislike
                counts more than the rating there.
            like: Stars that a like counts as.
            dislike: Stars that a dislike counts as.

        Raises:
            StudyError: A title or the file cannot be used.
        """
        found = given.Given({})
        if ratings is not None:
            found = given.read_ratings(ratings, self.titles)
        named = given.said(likes, dislikes, self.titles, like=like, dislike=dislike)
        together = {**found.ratings, **named.ratings}
        data = {
            "kind": "visitor",
            "ratings": [
                {**told.film_data(self.model.films[place]), "rating": value}
                for place, value in together.items()
            ],
        }
        return Somebody(answers.visitor(self.model, together), data, found.left_out)

    def wish(
        self,
        *,
        top: int,
        genres: str | None = None,
        years: str | None = None,
        popularity: float | None = None,
        diversity: float | None = None,
    ) -> Wish:
        """What a list is to be made of, from what was typed.

        Raises:
            StudyError: No film has one of the genres, or the years are none.
        """
        wanted = [genre.strip() for genre in (genres or "").split(",") if genre.strip()]
        known = {genre.lower(): genre for film in self.model.films for genre in film.genres}
        for genre in wanted:
            if genre.lower() not in known:
                raise StudyError(
                    f"no film is of the genre {genre!r}",
                    where="--genres",
                    remedy=f"There are: {', '.join(sorted(known.values()))}.",
                )
        chosen = self.model.served.settings["popularity"] if self.among is None else 0.0
        return Wish(
            top=top,
            genres=[known[genre.lower()] for genre in wanted],
            years=given.years(years) if years else (None, None),
            popularity=chosen if popularity is None else popularity,
            diversity=DIVERSITY if diversity is None else diversity,
        )

    def for_person(self, somebody: Somebody, wish: Wish) -> Answer:
        """A person's list."""
        found = answers.recommended(self.model, somebody.person, wish, among=self.among)
        settings = {
            "genres": list(wish.genres),
            "years": list(wish.years),
            "popularity": wish.popularity,
            "diversity": wish.diversity,
        }
        return self._answer(
            told.list_of(self.model, somebody.person, found),
            lambda: {
                "for": somebody.data,
                "settings": settings,
                "films": told.list_data(self.model, somebody.person, found),
            },
            somebody.notices,
        )

    def why(self, somebody: Somebody, title: str) -> Answer:
        """All that one prediction is made of.

        Raises:
            StudyError: The title means no film, or several.
        """
        place = self.titles.find(title, where="--why")
        (found,) = answers.explained(self.model, somebody.person, [place])
        lines = told.why(self.model, somebody.person, found)
        return self._answer(
            lines,
            lambda: {
                "for": somebody.data,
                "films": [
                    {
                        **told.film_data(self.model.films[place]),
                        **self._explained(self.model, somebody.person, found),
                    }
                ],
            },
            somebody.notices,
        )

    def about_film(
        self,
        movies: pd.DataFrame,
        somebody: Somebody | None,
        *,
        top: int,
        poster: Path | None = None,
        trailer: Path | None = None,
    ) -> Answer:
        """Who would like a film that is not in the model, or whether one person would.

        Args:
            movies: The film, one row as a catalogue has it.
            somebody: The person, or None for all users.
            top: How many users are named.
            poster: File.
            trailer: File.

        Raises:
            StudyError: A file cannot be used.
        """
        files = {"trailer": trailer, "poster": poster}
        for path in files.values():
            if path is not None:
                given.check_media(path)
        added, embedded = self._with_film(movies, trailer, poster)
        (place,) = added.places
        notices = [
            f"{told.word(name)}: {why}"
            for name, why in added.unknown.items()
            if why != new_films.NOTHING
        ]
        if trailer and poster and "video" in embedded:
            notices.append("--poster: not looked at, since the trailer has pictures")
        made = self.model.about["features"]
        for name, path in (("video", trailer or poster), ("audio", trailer)):
            if path and name in made and name not in embedded:
                source = made[name].get("source") or made[name].get("encoder")
                notices.append(
                    f"{told.word(name)}: not known, since the model's is of a source that cannot"
                    f" be computed from a file ({source})"
                )
        if somebody is None:
            received = answers.reception(added.model, place, top=top)
            named = [(self._called(number), one) for number, one in received.users]
            return self._answer(
                told.reception_of(added.model, received, added, named),
                lambda: {"film": told.reception_data(added.model, received, added, named)},
                notices,
            )
        person = self._again(somebody, added.model)
        (found,) = answers.explained(added.model, person, [place])
        lines = [
            *told.of_one(found.prediction),
            told.known_of(added),
            "",
            *told.why(added.model, person, found),
        ]
        return self._answer(
            lines,
            lambda: {
                "for": somebody.data,
                "film": {
                    **told.film_data(added.model.films[place]),
                    **told.known_data(added),
                    **self._explained(added.model, person, found),
                },
            },
            [*somebody.notices, *notices],
        )

    def _with_film(
        self, movies: pd.DataFrame, trailer: Path | None, poster: Path | None
    ) -> tuple[new_films.Added, set[str]]:
        """The model with a film, and the names of the tables that were made of its files."""
        (number,) = movies["movie_id"]
        embedded: dict[str, FeatureTable] = {}
        if trailer or poster or movies["summary"].notna().any():
            from mmrec.recommending import embedding  # torch and its kin take seconds to import

            embedded = embedding.embed(
                self.model,
                movies,
                trailers={number: trailer} if trailer else {},
                posters={number: poster} if poster else {},
                cache=self.cache,
            )
        return new_films.added(self.model, movies, embedded), set(embedded)

    @staticmethod
    def _explained(model: Model, person: Person, found: answers.Recommended) -> dict[str, Any]:
        """All of one prediction as data."""
        rated = told.rated_data(model, person)
        return told.explained_data(model, person, found, rated, whole=True)

    def _again(self, somebody: Somebody, model: Model) -> Person:
        """The same person, asked about the films of another model."""
        if somebody.number is not None:
            return answers.user(model, somebody.number)
        person = somebody.person
        return Visitor(model.served.visitor(), person.rated, person.ratings)

    def _answer(
        self,
        lines: Sequence[str],
        made: Callable[[], Mapping[str, Any]],
        notices: Sequence[str],
    ) -> Answer:
        about = self.model.about
        model = {
            "profile": about["profile"],
            "features": {
                name: {"source": made.get("source"), "stand_in": made.get("stand_in")}
                for name, made in about["features"].items()
            },
        }
        every = [*self.notices, *notices]
        return Answer(
            lines,
            lambda: {"schema": told.SCHEMA, "model": model, **made(), "notices": every},
            every,
        )


def ask(name: str, reference: str) -> Asked:
    """The model to be asked.

    That of a workspace; of a folder of films without one, that of the reference, which then
    recommends the folder's films alone.

    Args:
        name: A profile that was run, or a folder that ``mmrec enrich`` has filled.
        reference: The profile whose model rates the films of a folder that has none.

    Raises:
        StudyError: There is no such workspace, or no model.
    """
    workspace = training.workspace_of(name)
    if training.has_model(workspace) or workspace.root.name == reference:
        return _with_ids(training.load(workspace), workspace)
    if not workspace.catalogue.is_dir():
        raise StudyError(
            "holds neither a model nor films that mmrec enrich has described",
            where=workspace.root,
            remedy=f"Films of your own: mmrec enrich {name} --out OUT, then name OUT. MovieLens: "
            "make study, then mmrec recommend without a folder.",
        )
    try:
        model = training.load(training.workspace_of(reference))
    except StudyError as error:
        if error.what not in (training.NO_WORKSPACE, storing.NO_MODEL):
            raise
        raise StudyError(
            f"has no model of its own, and there is none of {reference} either",
            where=workspace.root,
            remedy=f"Learn from the ratings in the folder: mmrec train {name}. Or let a model of "
            f"MovieLens rate its films: make study PROFILE={reference} leaves one, and --reference "
            "names that of another profile.",
        ) from error
    return _with_films(model, workspace)


def _with_ids(model: Model, workspace: Workspace) -> Asked:
    """A workspace's own model; a reader's own films and users have the reader's ids."""
    ours = own.load(workspace)
    if ours is None:
        return Asked(model, workspace.cache)
    people = dict(zip(ours.users["user_id"].tolist(), ours.users["id"], strict=True))
    numbers = [film.movie_id for film in model.films]
    return Asked(_named(model, ours, numbers), workspace.cache, people=people)


def _named(model: Model, ours: own.Own, numbers: Sequence[int]) -> Model:
    """The model with the reader's ids of its last films, which have these numbers there."""
    ids = dict(zip(ours.films["movie_id"].tolist(), ours.films["id"], strict=True))
    others = len(model.films) - len(numbers)
    named = (
        replace(film, own_id=ids.get(number))
        for film, number in zip(model.films[others:], numbers, strict=True)
    )
    return replace(model, films=(*model.films[:others], *named))


def _with_films(model: Model, workspace: Workspace) -> Asked:
    movies = tables.load(workspace).movies
    names = [
        name
        for name in model.about["features"]
        if (workspace.features / f"{name}.parquet").exists()
    ]
    added = new_films.added(model, movies, load_tables(workspace.features, names))
    notices = [
        f"{told.word(name)}: {'known of none of these films' if why == new_films.NOTHING else why}"
        for name, why in added.unknown.items()
    ]
    ours, named = own.load(workspace), added.model
    if ours is not None:
        named = _named(named, ours, movies["movie_id"].tolist())
    return Asked(named, workspace.cache, np.array(added.places, np.intp), notices)
