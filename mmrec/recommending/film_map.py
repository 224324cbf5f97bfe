"""The map of the films: where each film lies in each space, and which ten are nearest to it.

A plane cannot hold the distances of a space of hundreds of dimensions, so that the picture only
hints at them: places are those of t-SNE :cite:p:`vandermaaten2008visualizing`, neighbours those of
the whole space, and the file says how often the two agree.

The file may be published: titles, years and themes are the open data's, and places and neighbours
are computed from features and from the covariance of tastes. It holds no rating, no sentence and
no picture, and no film that the open data does not have. The page that reads it draws on a canvas
with a few hundred lines of its own: libraries of charts have scatter plots, but not the moves from
neighbour to neighbour that this page is for, and would be several times its size.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.markers import MarkerStyle
from matplotlib.path import Path as Path2D
from numpy.typing import NDArray
from scipy.linalg import orthogonal_procrustes
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from mmrec.catalogue import tables
from mmrec.errors import StudyError
from mmrec.recommending import film_spaces, open_model
from mmrec.recommending.covariances import Floats
from mmrec.recommending.film_spaces import TASTES, Vectors
from mmrec.recommending.served import Positions
from mmrec.reports.style import MARKERS, PALETTE
from mmrec.workspace import Workspace, atomic_path

FORMAT = 1
"""Version of the file's form."""

NEIGHBOURS = 10
"""Nearest films that the page shows of each film."""

FEWEST = 3 * NEIGHBOURS
"""Films without which a space is left out: among fewer, ten neighbours say nothing."""

EXAMPLE = "Aladdin"
"""The film that the page shows first, if it is there."""

GROUPS = {
    "family and youth": (
        *("family", "fatherhood", "motherhood", "childhood", "adolescence", "coming of age"),
        *("school", "friendship", "animals"),
    ),
    "love": ("romance", "marriage", "love triangle", "sexuality", "seduction"),
    "science fiction": (
        *("space", "aliens", "science", "robots", "technology", "time travel", "superhero"),
        "invention",
    ),
    "crime and law": (
        *("crime", "murder", "investigation", "heist", "serial killer", "gambling", "prison"),
        *("courtroom", "outlaws", "justice", "corruption", "revenge", "betrayal"),
    ),
    "fantasy and horror": ("magic", "fantasy world", "monsters", "ghosts", "vampires"),
    "adventure": (
        *("adventure", "survival", "journey", "rescue", "treasure", "wilderness", "disaster"),
        "rivalry",
    ),
    "arts, media and sport": (
        *("music", "dance", "theatre", "art", "media", "journalism", "sports"),
    ),
    "the self": (
        *("identity", "death", "grief", "illness", "loneliness", "addiction", "aging"),
        *("disability", "obsession", "memory", "madness", "redemption", "loyalty", "disguise"),
    ),
    "society": (
        *("work", "business", "wealth", "poverty", "class", "immigration", "race", "religion"),
        "faith",
    ),
    "war and politics": (
        *("war", "military", "espionage", "terrorism", "politics", "conspiracy", "rebellion"),
        *("history", "assassination", "royalty", "power"),
    ),
}
"""The themes of the open data in ten groups, as many as there are colours. A film belongs to the
group of its first theme, which tends to be the one that tells it best."""

_BEFORE, _AFTER = "globalThis.filmMap = ", ";\n"
"""What makes a script of the JSON: a page that is opened from a disk may load no other file."""

_DIMENSIONS, _PERPLEXITY = 50, 30


@dataclass(frozen=True)
class Space:
    """The films as one kind of content, or their public, places them.

    Attributes:
        source: What it was made of, in words.
        films: Positions in the list of films of the n that are in it, ascending.
        points: Places in the plane, within -1 and 1, [n, 2].
        nearest: Positions in the list of films of the nearest others, [n, k].
        cosines: Their cosines, rounded to hundredths, [n, k].
        kept: Share of the nearest films that are also among the nearest in the plane.
        alike: Share of the nearest films that have a theme in common with the film, and the same
            share of all other films.
    """

    source: str
    films: Positions
    points: Floats
    nearest: Positions
    cosines: Floats
    kept: float
    alike: tuple[float, float]


@dataclass(frozen=True)
class FilmMap:
    """The map.

    Attributes:
        films: ``title, year, themes`` of each film, most rated first.
        spaces: By name.
        example: Position of the film that is shown first.
    """

    films: list[dict[str, Any]]
    spaces: Mapping[str, Space]
    example: int

    @cached_property
    def groups(self) -> list[str]:
        """The group of each film, a name of :data:`GROUPS`."""
        of = {theme: name for name, themes in GROUPS.items() for theme in themes}
        return [of[film["themes"][0]] for film in self.films]

    @cached_property
    def text(self) -> str:
        """The file: a script that sets ``filmMap``."""
        given = {
            "format": FORMAT,
            "about": "titles, years and themes: open data of this project, CC-BY-4.0",
            "example": self.example,
            "groups": {
                name: {"themes": list(themes), **look}
                for (name, themes), look in zip(GROUPS.items(), looks(), strict=True)
            },
            "films": self.films,
            "spaces": {
                name: {
                    "source": space.source,
                    "kept": round(space.kept, 3),
                    "alike": [round(share, 3) for share in space.alike],
                    "films": space.films.tolist(),
                    "points": space.points.tolist(),
                    "nearest": space.nearest.tolist(),
                    "cosines": space.cosines.tolist(),
                }
                for name, space in self.spaces.items()
            },
        }
        written = json.dumps(given, ensure_ascii=False, separators=(",", ":"))
        return f"{_BEFORE}{written}{_AFTER}"

    @classmethod
    def read(cls, path: Path) -> "FilmMap":
        """Reads what :attr:`text` is.

        Raises:
            StudyError: It is no such file.
        """
        try:
            text = path.read_text(encoding="utf-8")
            given = json.loads(text.removeprefix(_BEFORE).removesuffix(_AFTER))
            spaces = {
                name: Space(
                    space["source"],
                    np.array(space["films"], np.intp),
                    np.array(space["points"], np.float64),
                    np.array(space["nearest"], np.intp),
                    np.array(space["cosines"], np.float64),
                    space["kept"],
                    tuple(space["alike"]),
                )
                for name, space in given["spaces"].items()
            }
            return cls(given["films"], spaces, given["example"])
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise StudyError(
                f"is not the file of a map ({type(error).__name__})",
                where=path,
                remedy="Make it again.",
            ) from error


def looks() -> list[dict[str, str]]:
    """``colour`` and ``mark`` of each group: those that the figures of the book use in turn.

    Marks are outlines as SVG writes them, about the origin and about as large as a circle of
    radius 1.
    """
    return [
        {"colour": colour, "mark": _outline(marker)}
        for colour, marker in zip(PALETTE, MARKERS, strict=True)
    ]


def make(workspace: Workspace) -> FilmMap:
    """The map of a workspace's films, as far as the open data has them.

    Takes minutes, nearly all of them for the model of open data, which is kept in the workspace.

    Raises:
        StudyError: There is no catalogue, or too few films are in any space.
    """
    catalogue = tables.load(workspace)
    films = described(catalogue, workspace)
    ids = films["movie_id"].to_numpy(np.int64)
    spaces = film_spaces.of_content(catalogue, ids, workspace)
    spaces[TASTES] = film_spaces.of_tastes(open_model.train(workspace), ids)
    return drawn_up(films, spaces)


def described(catalogue: tables.Catalogue, workspace: Workspace) -> pd.DataFrame:
    """The films of a catalogue that the open data has, each once, most rated first.

    Returns:
        As :func:`mmrec.recommending.open_model.described`.
    """
    films = open_model.described(catalogue.movies, workspace).set_index("movie_id", drop=False)
    films = films.loc[catalogue.most_rated()]
    return films[films["title"] != ""].drop_duplicates("film_id")


def drawn_up(films: pd.DataFrame, spaces: Mapping[str, Vectors]) -> FilmMap:
    """The map of some films in some spaces; see :func:`make`.

    Args:
        films: With ``title``, ``year`` and the themes as ``genres``.
        spaces: Where the films lie; positions are those of the rows of ``films``.

    Raises:
        StudyError: No space has films enough.
    """
    themes = films["genres"].tolist()
    made: dict[str, Space] = {}
    for name, vectors in spaces.items():
        if len(vectors.films) >= FEWEST:
            made[name] = _space(vectors, themes, next(iter(made.values()), None))
    if not made:
        raise StudyError(
            f"no kind of content is known of {FEWEST} films of the open data",
            where="map",
            remedy="Take more movies (n_movies), or run the chapters 01 to 05 first.",
        )
    titles = films["title"].tolist()
    listed = [
        {"title": title, "year": int(year), "themes": list(told)}
        for title, year, told in zip(titles, films["year"], themes, strict=True)
    ]
    example = titles.index(EXAMPLE) if EXAMPLE in titles else 0
    return FilmMap(listed, made, example)


def export(made: FilmMap, path: Path) -> FilmMap:
    """Writes the file of a map, and reads it again.

    Raises:
        LocalError: The disk is full or may not be written.
    """
    with atomic_path(path) as part:
        part.write_text(made.text, encoding="utf-8")
    return FilmMap.read(path)


def plane(values: Floats) -> Floats:
    """Places in a plane at which films that are near in the space lie together, by t-SNE.

    Args:
        values: Vectors, of which the directions count, [n, d].

    Returns:
        Float64 [n, 2].
    """
    directions = film_spaces.unit(values)
    most = min(_DIMENSIONS, *directions.shape)
    reduced = PCA(most, random_state=0).fit_transform(directions)
    perplexity = min(_PERPLEXITY, (len(values) - 1) / 3)
    found = TSNE(perplexity=perplexity, init="pca", random_state=0).fit_transform(reduced)
    return np.asarray(found, np.float64)


def turned(points: Floats, onto: Floats) -> Floats:
    """A matrix [2, 2] that turns and mirrors some points so that they lie as the others do.

    Where a picture has no up and no left of its own, films then move least from one to another.

    Args:
        points: [n, 2].
        onto: The same things elsewhere, [n, 2].
    """
    matrix, _ = orthogonal_procrustes(points - points.mean(axis=0), onto - onto.mean(axis=0))
    return np.asarray(matrix)


def fitted(points: Floats) -> Floats:
    """Points moved and scaled, the same in both directions, to lie within -1 and 1."""
    low, high = points.min(axis=0), points.max(axis=0)
    half = float((high - low).max() / 2) or 1.0
    return np.asarray(np.round((points - (low + high) / 2) / half, 3))


def _outline(marker: str) -> str:
    """A marker of matplotlib as the path of an SVG, y pointing down; all cover about one area."""
    style = MarkerStyle(marker)
    path = style.get_path().transformed(style.get_transform())
    corners = np.asarray(path.to_polygons()[0], np.float64)
    (x, y), (next_x, next_y) = corners[:-1].T, corners[1:].T
    area = abs((x * next_y - y * next_x).sum()) / 2
    size = min(np.sqrt(np.pi / area), 1.4 / np.abs(corners).max())
    names = {Path2D.MOVETO: "M", Path2D.LINETO: "L", Path2D.CURVE4: "C", Path2D.CLOSEPOLY: "Z"}
    parts = []
    for points, code in path.iter_segments(curves=True):
        numbers = np.round(points.reshape(-1, 2) * [size, -size], 2) + 0.0
        closed = code == Path2D.CLOSEPOLY
        parts.append(names[code] + ("" if closed else " ".join(f"{n:g}" for n in numbers.ravel())))
    return "".join(parts)


def _space(vectors: Vectors, themes: Sequence[Sequence[str]], before: Space | None) -> Space:
    """A space, its picture turned as that of an earlier one."""
    found, cosines = film_spaces.nearest(vectors.values, NEIGHBOURS)
    points = plane(vectors.values)
    if before is not None:
        both, here, there = np.intersect1d(vectors.films, before.films, return_indices=True)
        if len(both) > 1:
            points = points @ turned(points[here], before.points[there])
    points = fitted(points)
    return Space(
        vectors.source,
        vectors.films,
        points,
        vectors.films[found],
        np.round(cosines, 2),
        _kept(points, found),
        _alike([set(themes[film]) for film in vectors.films], found),
    )


def _kept(points: Floats, nearest: Positions) -> float:
    """Share of neighbours that are among as many nearest points in the plane."""
    apart = ((points[:, None] - points) ** 2).sum(axis=2)
    np.fill_diagonal(apart, np.inf)
    k = nearest.shape[1]
    close = np.argsort(apart, axis=1, kind="stable")[:, :k]
    same = (nearest[:, :, None] == close[:, None]).any(axis=2)
    return float(same.mean())


def _alike(themes: Sequence[set[str]], nearest: Positions) -> tuple[float, float]:
    """Share of neighbours with a theme in common, and of all other films."""
    names = sorted(set().union(*themes))
    flags: NDArray[np.bool_] = np.array([[name in told for name in names] for told in themes])
    shared = (flags.astype(np.int64) @ flags.T.astype(np.int64)) > 0
    n = len(themes)
    among = float(np.take_along_axis(shared, nearest, axis=1).mean())
    return among, float((shared.sum() - n) / (n * (n - 1)))
