"""Figures of the feature chapters: coverage, maps of films, similarities, the genre probe."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.metrics.pairwise import cosine_similarity

from mmrec.reports import absent
from mmrec.reports.neighbours import FEWEST, FEWEST_ON_A_MAP, NOTHING_TO_PROBE, OTHER
from mmrec.reports.style import FIXED, GENRES, OURS, legend_right, panels, styles_of

_REST = ("0.75", ".")
"""Look of the genres that have none of their own in a figure."""

_NAMED_FILMS = 8
_LONGEST_TITLE = 26


def coverage(share: "pd.Series[float]", modality: str) -> tuple[Figure, Axes]:
    """Share of movies with a vector by how often they are rated.

    Args:
        share: In percent, by tenth of the movies (1: the most rated), as
            :func:`mmrec.reports.neighbours.coverage` makes it.
        modality: Its name.
    """
    fig, axes = panels(1, 6, 3)
    ax = axes[0, 0]
    ax.bar(share.index, share, color=FIXED.get(modality, (OURS,))[0])
    ax.set(xlabel="tenth of the movies, by number of ratings (1 = most rated)", xticks=share.index)
    ax.set(ylabel=f"movies with a {modality} vector (%)", ylim=(0, 100))
    return fig, ax


def film_map(
    points: NDArray[np.floating],
    films: pd.DataFrame,
    genre: pd.Series,
    *,
    axes_names: tuple[str, str],
) -> tuple[Figure, Axes]:
    """Films on a plane, coloured by genre; some of the most rated are named.

    Args:
        points: Coordinates, float [n, 2].
        films: With a ``title``, most rated first.
        genre: Categorical, as :func:`mmrec.reports.neighbours.first_genre` makes it.
        axes_names: What the two axes are, with units.
    """
    if len(films) < FEWEST_ON_A_MAP:
        return absent.figure(f"fewer than {FEWEST_ON_A_MAP} films have this vector")
    fig, axes = panels(1, 7.5, 4.8)
    ax = axes[0, 0]
    for name in genre.cat.categories:
        at = (genre == name).to_numpy()
        if at.any():
            colour, marker = _REST if name == OTHER else GENRES[name]
            over = 1 if name == OTHER else 2
            look = {"color": colour, "marker": marker, "s": 18, "lw": 0, "zorder": over}
            ax.scatter(*points[at].T, label=name, **look)
    middle = np.median(points[:, 0])
    for place in _apart(points):
        title = films["title"].iloc[place]
        ax.plot(*points[place], "o", ms=7, mfc="none", color="black", zorder=3)
        ax.annotate(
            title if len(title) <= _LONGEST_TITLE else f"{title[: _LONGEST_TITLE - 1]}…",
            points[place],
            xytext=(4 if points[place, 0] < middle else -4, 4),
            textcoords="offset points",
            fontsize=7,
            ha="left" if points[place, 0] < middle else "right",
            zorder=4,
            bbox={"facecolor": "white", "alpha": 0.75, "lw": 0, "pad": 0.5},
        )
    ax.set(xlabel=axes_names[0], ylabel=axes_names[1])
    legend_right(fig, ax, "first genre")
    return fig, ax


def _apart(points: NDArray[np.floating]) -> list[int]:
    """Positions of the first films whose names do not cover each other, at most eight."""
    low, high = points.min(axis=0), points.max(axis=0)
    places = (points - low) / np.where(high > low, high - low, 1)
    kept: list[int] = []
    for number, (x, y) in enumerate(places):
        if all(abs(x - places[k, 0]) > 0.75 or abs(y - places[k, 1]) > 0.06 for k in kept):
            kept.append(number)
        if len(kept) == _NAMED_FILMS:
            break
    return kept


def component_map(
    vectors: NDArray[np.floating], films: pd.DataFrame, genre: pd.Series
) -> tuple[Figure, Axes]:
    """Films by the first two principal components of their scaled vectors; see :func:`film_map`."""
    if len(films) < FEWEST_ON_A_MAP:
        return film_map(vectors, films, genre, axes_names=("", ""))
    components = PCA(n_components=2, random_state=0).fit(vectors)
    first, second = components.explained_variance_ratio_
    names = (
        f"first component ({first:.0%} of the variance)",
        f"second component ({second:.0%} of the variance)",
    )
    return film_map(components.transform(vectors), films, genre, axes_names=names)


def similarity(
    vectors: NDArray[np.floating], labels: Sequence[str], *, of: str
) -> tuple[Figure, Axes]:
    """Cosine similarities of a few things, each with every other.

    A thing's similarity with itself is always 1 and is left blank: it would set the scale, and
    nothing else could be told apart.

    Args:
        vectors: Of the things, float [n, width].
        labels: Names of the things [n].
        of: What they are, for both axes.
    """
    n = len(labels)
    if n < FEWEST:
        return absent.figure(f"there are fewer than {FEWEST} to compare")
    fig, axes = panels(1, 2.2 + 0.42 * n, 1.7 + 0.38 * n)
    ax = axes[0, 0]
    sns.heatmap(
        cosine_similarity(vectors),
        mask=np.eye(n, dtype=bool),
        xticklabels=labels,
        yticklabels=labels,
        cmap="cividis",
        ax=ax,
    )
    ax.collections[0].colorbar.set_label("cosine")
    ax.tick_params(axis="y", rotation=0)
    ax.grid(visible=False)
    ax.set(xlabel=of, ylabel=of)
    return fig, ax


def genre_similarity(between: pd.DataFrame) -> tuple[Figure, Axes]:
    """Mean similarity of the films of each genre and of each other.

    Args:
        between: What :func:`mmrec.reports.neighbours.genre_similarity` returned.
    """
    if between.empty:
        return absent.figure("no genre has enough films with this vector")
    fig, ax = plt.subplots(figsize=(7.5, 6))
    limit = np.abs(between.to_numpy()).max()
    sns.heatmap(
        between.to_numpy(),
        xticklabels=between.columns,
        yticklabels=between.index,
        cmap="PuOr",
        vmin=-limit,
        vmax=limit,
        ax=ax,
    )
    bar = ax.collections[0].colorbar
    assert bar is not None
    bar.set_label("mean cosine")
    return fig, ax


def genre_probe(probed: pd.DataFrame) -> tuple[Figure, Axes]:
    """Area under the ROC curve per genre, beside the same regression on random numbers.

    Args:
        probed: What :func:`mmrec.features.probe.genre_auc` returned, of one or several tables.
    """
    if probed.empty:
        return absent.figure(NOTHING_TO_PROBE)
    order = probed.groupby("genre")["auc"].mean().sort_values().index
    styles = styles_of(probed["features"])
    fig, axes = panels(1, 7, 0.2 * len(order) + 1.2)
    ax = axes[0, 0]
    for name, (colour, marker) in styles.items():
        values = probed[probed["features"] == name].set_index("genre").reindex(order)
        ax.plot(values["auc"], order, marker, color=colour, ms=5, label=name)
    control = probed.groupby("genre")["control"].mean()[order]
    colour, marker = FIXED["random numbers"]
    ax.plot(control, order, marker, color=colour, label="random numbers")
    ax.axvline(0.5, color="0.8", lw=1, zorder=0)
    low = float(probed[["auc", "control"]].to_numpy().min(initial=0.32)) - 0.02
    ax.set(xlabel="area under the ROC curve, held-out films", xlim=(low, 1.01))
    legend_right(fig, ax)
    return fig, ax
