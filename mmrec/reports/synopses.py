"""What summaries a catalogue has: how long they are, whose, and of which movies."""

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmrec.features import sentences
from mmrec.features.text import NO_SYNOPSIS, with_summary
from mmrec.reports import absent
from mmrec.reports.style import styles_of

_SOURCE = "summaries from"


def lengths(told: pd.DataFrame) -> pd.DataFrame:
    """Sentences and words of each summary.

    Args:
        told: Movies with a summary: ``summary, summary_source``.

    Returns:
        A row for each: its source, its sentences, its words.
    """
    return pd.DataFrame(
        {
            _SOURCE: told["summary_source"].to_numpy(),
            "sentences": [len(of_one) for of_one in sentences.split(told["summary"])],
            "words": told["summary"].str.split().str.len().to_numpy(),
        }
    )


def by_source(counts: pd.DataFrame) -> pd.DataFrame:
    """Movies, and the median and the largest length, by source; of :func:`lengths`."""
    if counts.empty:
        return absent.row(NO_SYNOPSIS)
    table = counts.groupby(_SOURCE).agg(["median", "max"]).astype(int)
    table.insert(0, "movies", counts[_SOURCE].value_counts())
    return table


def draw_lengths(counts: pd.DataFrame) -> tuple[Figure, Axes]:
    """Movies by the number of sentences in their summary; of :func:`lengths`."""
    if counts.empty:
        return absent.figure(NO_SYNOPSIS)
    fig, ax = plt.subplots(figsize=(7, 3.2))
    longest = counts["sentences"].quantile(0.99)
    shown = counts.assign(sentences=counts["sentences"].clip(upper=longest))
    colours = {name: colour for name, (colour, _) in styles_of(shown[_SOURCE]).items()}
    sns.histplot(
        shown,
        x="sentences",
        hue=_SOURCE,
        palette=colours,
        multiple="stack",
        discrete=True,
        ax=ax,
        shrink=0.8,
    )
    ax.set(xlabel="sentences in the summary (the longest 1 % together)", ylabel="movies")
    return fig, ax


def by_sentence(films: pd.DataFrame, ranked: pd.Index, n: int = 3) -> pd.Series:
    """The summaries of the most-rated films, sentence by sentence, under the films' titles.

    Args:
        films: ``movie_id, title, summary``.
        ranked: Movie ids, most rated first.
        n: Films, at most; those without a summary are passed over.
    """
    told = with_summary(films).set_index("movie_id")
    first = told.loc[ranked[ranked.isin(told.index)][:n]]
    return pd.Series(sentences.split(first["summary"]), first["title"], dtype=object).explode()


def listed(split: pd.Series, whose: str) -> pd.DataFrame:
    """Sentences as a table.

    Args:
        split: What :func:`by_sentence` returned.
        whose: What the heading adds, as `mmrec.features.scope.examples` says it.
    """
    if split.empty:
        return absent.row(NO_SYNOPSIS)
    return split.rename(f"sentence{whose}").to_frame()


def coverage(movies: pd.DataFrame, ratings: pd.DataFrame) -> pd.DataFrame:
    """How many movies and ratings have a summary, and from which source.

    Args:
        movies: ``movie_id, summary_source``.
        ratings: With the ``movie_id`` of every rating; those of other movies do not count.
    """
    source = movies.set_index("movie_id")["summary_source"].astype(object)
    source = source.fillna("none: no text vector")
    of_ratings = ratings["movie_id"].map(source).dropna()
    table = pd.DataFrame(
        {
            "movies": source.value_counts(),
            "share of these movies": source.value_counts(normalize=True).round(3),
            "share of their ratings": of_ratings.value_counts(normalize=True).round(3),
        }
    )
    if of_ratings.empty:
        table["share of their ratings"] = "there are no ratings"
    return table.rename_axis("summary from")
