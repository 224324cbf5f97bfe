"""What README and book say of the reference run is what its committed tables say.

A claim is a sentence with places for numbers, and how each number follows from ``book/results``.
The test puts the numbers in and looks for the sentence, so that it fails when either side changes.
"""

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mmrec.catalogue import movielens
from mmrec.evaluation.metrics import score_lists
from mmrec.evaluation.protocols import sealed_test
from mmrec.features import published
from mmrec.workspace import PROJECT

RESULTS = PROJECT / "book" / "results"
WITH_META = ("meta", "meta+text", "meta+audio", "meta+video", "all")
OTHERS = ("text", "audio", "video")
MASKED = ("meta+text", "meta+audio", "meta+video", "all")


@cache
def table(name: str) -> pd.DataFrame:
    return pd.read_csv(RESULTS / f"{name}.csv")


def get(name: str, row: str, column: str = "rmse_mean", **where: object) -> float:
    """One cell; unless told otherwise that of real features under the clean protocol."""
    found = table(name)
    for key, value in {"row": row, "features": "real", "protocol": "clean", **where}.items():
        found = found[found[key] == value]
    assert len(found) == 1, f"{name}: {len(found)} rows for {row}, {where}"
    return float(found[column].iloc[0])


def best_below_paper(name: str, row: str, **where: object) -> float:
    """How far the best seed as published is below the paper's RMSE."""
    cell = {"protocol": "as_published", **where}
    return get(name, row, "paper_rmse", **cell) - get(name, row, "rmse_best", **cell)


def increase(row: str, masking: float, protocol: str = "clean") -> float:
    whole = get("table2", row, masking=0, protocol=protocol)
    return get("table2", row, masking=masking, protocol=protocol) - whole


def paper_increase(row: str, masking: float) -> float:
    return get("table2", row, "paper_rmse", masking=masking) - get("table1", row, "paper_rmse")


def film(row: str, support: int) -> float:
    return get("learning_curves", row, fold="item", support_size=support)


def user(row: str, support: int) -> float:
    return get("learning_curves", row, fold="user", support_size=support)


def cold(row: str, fold: str = "item", **where: object) -> float:
    return get("cold_start", row, fold=fold, **where)


PROCESS = "pair process"


def beyond(track: str, row: str = PROCESS, column: str = "rmse_mean", **where: object) -> float:
    return get("beyond", row, column, track=track, **where)


def three(value: float) -> str:
    return f"{abs(value):.3f}"


def two(value: float) -> str:
    return f"{abs(value):.2f}"


def percent(value: float) -> str:
    return f"{value:.1f} %"


@dataclass(frozen=True)
class Claim:
    """A sentence of a file.

    Attributes:
        where: A path from the project's root; of a notebook the text cells are read.
        sentence: With a place for each number.
        numbers: As they are written.
        holds: What the sentence says without a number.
    """

    where: str
    sentence: str
    numbers: Callable[[], tuple[str, ...]] = tuple
    holds: Callable[[], bool] = lambda: True


README, PAPER = "README.md", "book/the_paper.md"
CH7 = "notebooks/07_modality_ablation.ipynb"
CH8 = "notebooks/08_rating_masking.ipynb"
CH9 = "notebooks/09_rating_vectors.ipynb"
CH10 = "notebooks/10_protocol_and_baselines.ipynb"
CH11 = "notebooks/11_cold_start.ipynb"
CH12 = "notebooks/12_new_films.ipynb"

CLAIMS = [
    Claim(
        README,
        "in the five rows with meta: there the best of five runs is within 0.005 of it",
        holds=lambda: all(abs(best_below_paper("table1", row)) <= 0.005 for row in WITH_META),
    ),
    Claim(
        README,
        "Text, audio and video, made from other inputs, come out lower by {}, {} and {}.",
        lambda: tuple(three(best_below_paper("table1", row)) for row in ("text", "audio", "video")),
        lambda: all(best_below_paper("table1", row) > 0 for row in OTHERS),
    ),
    Claim(
        README,
        "(recall of meta: {} against {})",
        lambda: (
            percent(get("table1", "meta", "recall_mean", protocol="as_published")),
            percent(get("table1", "meta", "paper_recall", protocol="as_published")),
        ),
    ),
    Claim(
        README,
        "Table II come out {} to {} lower in all eight cells",
        lambda: (three(min(table2_best())), three(max(table2_best()))),
        lambda: len(table2_best()) == 8 and min(table2_best()) > 0,
    ),
    Claim(
        README,
        "the same architecture is a tenth of a star better",
        holds=lambda: all(
            0.09 < get("table1", row, protocol="as_published") - get("table1", row) < 0.115
            for row in (*WITH_META, *OTHERS)
        ),
    ),
    Claim(
        README,
        "audio and video alone are worse than these",
        holds=lambda: (
            min(get("table1", "audio"), get("table1", "video")) > get("table1", "user+movie bias")
        ),
    ),
    Claim(
        README,
        "of its lead of {} over two biases, {} are due to content. With ids and users known, "
        "content adds {}.",
        lambda: (
            three(get("table1", "FM: content") - get("table1", "user+movie bias")),
            three(get("table1", "FM: content", "content_gain")),
            three(get("table1", "FM: ids and users") - get("table1", "FM: hybrid")),
        ),
    ),
    Claim(
        README,
        "worse than the user's mean** ({} to {} against {})",
        lambda: (three(cold("all")), three(cold("meta")), three(cold("user mean"))),
    ),
    Claim(
        README,
        "it reaches {} on two of the five folds, and the FM with content and the IMDb rating {} "
        "on all five; without that rating the FM is level with the user's mean",
        lambda: (
            three(get("cold_inputs", "genres-rating")),
            three(cold("FM: hybrid")),
        ),
        lambda: abs(cold("FM: hybrid, unrated") - cold("user mean")) < 0.003,
    ),
    Claim(
        README,
        "**Rating vectors** reach {}, and {} when the network, and no other row,",
        lambda: (
            three(get("rating_vectors", "rating vectors", masking=0)),
            three(get("rating_vectors", "rating vectors, refitted")),
        ),
    ),
    Claim(
        PAPER,
        "Beside the tables stand ten baselines, seven of them tuned",
        holds=lambda: table("baselines").query("features == 'real'")["row"].nunique() == 10,
    ),
    Claim(
        PAPER,
        "the rows of chapters 7 to 9 are means over five seeds",
        holds=lambda: all(
            (table(name).query("features == 'real'")["n_seeds"] == 5).all()
            for name in ("table1", "table2", "rating_vectors", "variants", "masking_curve")
        ),
    ),
    Claim(
        PAPER,
        "the steps of the protocol in chapter 10 have three seeds, and the five folds, the lists "
        "and all of chapter 11 have one",
        holds=lambda: (
            set(table("protocol")["n_seeds"]) == {3}
            and all(
                set(table(name)["n_seeds"]) == {1}
                for name in ("five_folds", "lists", "cold_start", "cold_inputs", "cold_lists")
            )
        ),
    ),
    Claim(
        CH7,
        "are lower than it: text and audio by {}, video by {}.",
        lambda: (
            three(best_below_paper("table1", "text")),
            three(best_below_paper("table1", "video")),
        ),
        lambda: (
            three(best_below_paper("table1", "text")) == three(best_below_paper("table1", "audio"))
        ),
    ),
    Claim(
        CH7,
        "The gain of audio is negative and cannot be distinguished from zero.",
        holds=lambda: (
            get("table1", "audio", "content_gain") < 0 < get("table1", "audio", "gain_high")
        ),
    ),
    Claim(
        CH7,
        "*FM: content* is {} better than the two biases, and {} of that is content gain. Once the "
        "factorisation machine has the movie's id, content is again worth little: {} by the "
        "control, and {} against *ids and users*.",
        lambda: (
            three(get("table1", "FM: content") - get("table1", "user+movie bias")),
            three(get("table1", "FM: content", "content_gain")),
            three(get("table1", "FM: hybrid", "content_gain")),
            three(get("table1", "FM: ids and users") - get("table1", "FM: hybrid")),
        ),
    ),
    Claim(
        CH7,
        "Without the director meta is {} worse",
        lambda: (three(get("variants", "meta-undirected") - get("variants", "meta")),),
        lambda: get("variants", "meta-undirected") > get("variants", "meta"),
    ),
    *(
        Claim(
            CH7,
            f"| {row} | {{}}, {{}} | {{}}, {{}} |",
            lambda row=row: tuple(
                f"{get('table1', row, column, protocol='as_published'):.1f}"
                for column in ("precision_mean", "recall_mean", "paper_precision", "paper_recall")
            ),
        )
        for row in ("text", "meta", "audio", "video", *MASKED)
    ),
    Claim(
        CH8,
        "by about 0.003 when half of the ratings are hidden, and by about 0.01 ({} to {}) when "
        "80 % are",
        lambda: (
            three(min(increase(row, 0.8) for row in MASKED)),
            three(max(increase(row, 0.8) for row in MASKED)),
        ),
        lambda: all(0.002 < increase(row, 0.5) < 0.0045 for row in MASKED),
    ),
    Claim(
        CH8,
        "the RMSE rises by {} to {} at 50 %, and by {} to {} at 80 %",
        lambda: tuple(
            three(pick(paper_increase(row, masking) for row in MASKED))
            for masking in (0.5, 0.8)
            for pick in (min, max)
        ),
    ),
    Claim(
        CH8,
        "our increase at 80 % is {} to {}",
        lambda: (
            three(min(increase(row, 0.8, "as_published") for row in MASKED)),
            three(max(increase(row, 0.8, "as_published") for row in MASKED)),
        ),
    ),
    Claim(
        CH8,
        "is below it in all eight cells, by {} to {}",
        lambda: (three(min(table2_best())), three(max(table2_best()))),
    ),
    Claim(
        CH8,
        "the content gain is larger than without a mask in three of the four rows",
        holds=lambda: (
            sum(
                get("table2", row, "content_gain", masking=0.8)
                > get("table2", row, "content_gain", masking=0)
                for row in MASKED
            )
            == 3
        ),
    ),
    Claim(
        CH9,
        "Rating vectors reach {} in the reference run under the clean protocol, and {} when "
        "refitted, where the paper reports {}; as published they reach {}.",
        lambda: (
            three(get("rating_vectors", "rating vectors", masking=0)),
            three(get("rating_vectors", "rating vectors, refitted")),
            three(get("rating_vectors", "rating vectors", "paper_rmse", masking=0)),
            three(get("rating_vectors", "rating vectors", masking=0, protocol="as_published")),
        ),
    ),
    Claim(
        CH10,
        "reaches {}, ahead of the network with all four modalities ({}). Knowing who the users "
        "are and what they have rated takes it to {}; adding content on top of that, to {}.",
        lambda: (
            three(get("baselines", "FM: ids")),
            three(get("table1", "all")),
            three(get("baselines", "FM: ids and users")),
            three(get("baselines", "FM: hybrid")),
        ),
    ),
    Claim(
        CH10,
        "The order is that of u1, but for the first two places: *FM: ids and users* is now ahead "
        "of *FM: hybrid* ({} against {})",
        lambda: (
            three(get("five_folds", "FM: ids and users")),
            three(get("five_folds", "FM: hybrid")),
        ),
        lambda: order("five_folds") == swapped(order("table1", order("five_folds"))),
    ),
    Claim(
        CH10,
        "close to that of u1 as well ({} against {};",
        lambda: (
            three(get("five_folds", "meta", "content_gain")),
            three(get("table1", "meta", "content_gain")),
        ),
    ),
    Claim(
        CH10,
        "Neighbours and matrix factorisation, tuned and from ratings alone, are level with the "
        "network, and factorisation machines on ids are better, on all five folds together as "
        "well. Two biases are worse.",
        holds=lambda: all(
            abs(get(name, row) - get(name, "meta")) < 0.005
            and get(name, "FM: ids") < get(name, "meta") - 0.02
            and get(name, "user+movie bias") > get(name, "meta") + 0.01
            for name in ("table1", "five_folds")
            for row in ("item kNN", "matrix factorisation")
        ),
    ),
    Claim(
        CH11,
        "better than the user's mean by {}.",
        lambda: (three(cold("user mean") - cold("FM: hybrid")),),
    ),
    Claim(
        CH11,
        "without it (*unrated*), the FM is at {}, level with the user's mean at {}",
        lambda: (three(cold("FM: hybrid, unrated")), three(cold("user mean"))),
    ),
    Claim(
        CH11,
        "the network with all modalities has the lowest RMSE, three hundredths of a star below "
        "the constant mean",
        holds=lambda: (
            cold("all", "both") == table("cold_start").query("fold == 'both'")["rmse_mean"].min()
            and two(cold("global mean", "both") - cold("all", "both")) == "0.03"
        ),
    ),
    Claim(
        CH11,
        "The nineteen genre flags alone ({}) do better than meta's 1,220 numbers, of which they "
        "are a part ({}), and the flags with IMDb's rating, twenty numbers, do best ({}).",
        lambda: tuple(
            three(get("cold_inputs", row)) for row in ("genres", "meta", "genres-rating")
        ),
        lambda: (
            get("cold_inputs", "genres-rating") == table("cold_inputs")["rmse_mean"].min()
            and set(table("cold_inputs")["n_folds"]) == {2}
        ),
    ),
    Claim(
        CH11,
        "is worth {}, and IMDb's rating another {}",
        lambda: (
            three(get("cold_inputs", "meta") - get("cold_inputs", "genres")),
            three(get("cold_inputs", "genres") - get("cold_inputs", "genres-rating")),
        ),
    ),
    Claim(
        CH11,
        "is ahead of the FM on ids by {} before the first rating, by {} after one, by {} after "
        "two, and by about 0.01 from twenty on",
        lambda: tuple(three(film("FM: ids", n) - film("FM: hybrid", n)) for n in (0, 1, 2)),
        lambda: all(two(film("FM: ids", n) - film("FM: hybrid", n)) == "0.01" for n in (20, 50)),
    ),
    Claim(
        CH11,
        "ids alone are no start at all ({} against {}). With one rating the two are level ({} "
        "against {}), ids leads with two to ten, and hybrid again with twenty and fifty.",
        lambda: tuple(three(user(row, n)) for n in (0, 1) for row in ("FM: ids", "FM: hybrid")),
        lambda: (
            all(user("FM: ids", n) < user("FM: hybrid", n) for n in (2, 5, 10))
            and all(user("FM: ids", n) > user("FM: hybrid", n) for n in (20, 50))
        ),
    ),
    Claim(
        CH11,
        "On new films, two biases overtake the network, even with hidden inputs, at the first "
        "rating; on new users they are ahead from the start.",
        holds=lambda: (
            film("meta, inputs hidden", 0) < film("user+movie bias", 0)
            and film("meta, inputs hidden", 1) > film("user+movie bias", 1)
            and all(
                user("meta, inputs hidden", n) > user("user+movie bias", n)
                for n in (0, 1, 2, 5, 10, 20, 50)
            )
        ),
    ),
    Claim(
        CH11,
        "makes the best lists (NDCG@10 of {}); without the rating it is at {}, and the network "
        "between {} and {}",
        lambda: tuple(
            three(get("cold_lists", row, "ndcg_10"))
            for row in ("FM: hybrid", "FM: hybrid, unrated", "meta", "meta, inputs hidden")
        ),
    ),
    Claim(
        README,
        "an RMSE of {} from what is known before release, {} with an encyclopedia and {} with the "
        "IMDb crowd's rating, where the user's mean is at {} (five folds, one seed, refitted)",
        lambda: tuple(
            three(beyond(*cell))
            for cell in (
                ("new_films_released",),
                ("new_films_encyclopedia",),
                ("new_films_crowd",),
                ("new_films_crowd", "user mean"),
            )
        ),
        lambda: (
            beyond("new_films_released", column="n_folds") == 5
            and beyond("new_films_released", column="n_seeds") == 1
        ),
    ),
    Claim(
        README,
        "With content dealt out at random among the films it is at {} and {}, worse than the mean",
        lambda: tuple(
            three(beyond(track, features="permuted"))
            for track in ("new_films_released", "new_films_crowd")
        ),
        lambda: all(
            beyond(track, features="permuted") > beyond(track, "user mean")
            for track in ("new_films_released", "new_films_crowd")
        ),
    ),
    Claim(
        README,
        "reaches {} on u1, against {} of the refitted FM hybrid (one seed, not told from chance)",
        lambda: (three(beyond("u1_single")), three(beyond("u1_single", "FM: hybrid"))),
        lambda: (
            beyond("u1_single") < beyond("u1_single", "FM: hybrid")
            and beyond("u1_single", column="rmse_high")
            > beyond("u1_single", "FM: hybrid", "rmse_low")
        ),
    ),
    Claim(
        README,
        "its NDCG@10 is {} from what is known before release and {} with the crowd, where the sort "
        "by votes, the same for everybody, is at {}",
        lambda: (
            three(beyond("new_films_lists_released", "content and EASE", "ndcg_10")),
            three(beyond("new_films_lists_crowd", "content and EASE", "ndcg_10")),
            three(beyond("new_films_lists_crowd", "IMDb votes", "ndcg_10")),
        ),
    ),
    Claim(
        CH12,
        "Kernel ridge on the same content is at {} before release and at {} with the crowd, the "
        "twin towers are at {} with the crowd",
        lambda: (
            three(beyond("new_films_released", "kernel ridge")),
            three(beyond("new_films_crowd", "kernel ridge")),
            three(beyond("new_films_crowd", "twin towers")),
        ),
    ),
    Claim(
        CH12,
        "For new users the process is at {}, the mean of the film at {} and the factorisation "
        "machine at {}",
        lambda: tuple(
            three(beyond("new_users", row)) for row in (PROCESS, "movie mean", "FM: ids and users")
        ),
    ),
    Claim(
        CH12,
        "worse than the user's mean, so that the content gains, {} and {}, are larger than the "
        "lead over that mean",
        lambda: tuple(
            three(beyond(track, column="content_gain"))
            for track in ("new_films_released", "new_films_crowd")
        ),
        lambda: all(
            beyond(track, features="permuted") > beyond(track, "user mean")
            for track in ("new_films_released", "new_films_crowd")
        ),
    ),
    Claim(
        CH12,
        "its NDCG@10 is {} with the crowd's rating, that of the sort by votes {}",
        lambda: (
            three(beyond("new_films_lists_crowd", column="ndcg_10")),
            three(beyond("new_films_lists_crowd", "IMDb votes", "ndcg_10")),
        ),
        lambda: (
            beyond("new_films_lists_crowd", column="ndcg_10")
            < beyond("new_films_lists_crowd", "IMDb votes", "ndcg_10")
        ),
    ),
    Claim(
        CH12,
        "were missed, narrowly or not, at all three levels of content (0.970, 0.960 and 0.915), by "
        "the lists before release (0.33) and with both new (1.03).",
        holds=lambda: (
            beyond("new_films_released") > 0.970
            and beyond("new_films_encyclopedia") > 0.960
            and beyond("new_films_crowd") > 0.915
            and beyond("new_films_lists_released", "content and EASE", "ndcg_10") < 0.33
            and beyond("both_new") > 1.03
        ),
    ),
]

FALSE = [
    r"best model (tried|of this chapter)",
    r"nothing does much better than the user's mean",
    r"worth most before the first rating, and less with every",
    r"[Ee]very row is the mean of several seeds",
]
"""What was once said and is not so, whatever a run gives."""


def table2_best() -> list[float]:
    return [
        best_below_paper("table2", row, masking=masking) for row in MASKED for masking in (0.5, 0.8)
    ]


def order(name: str, among: list[str] | None = None) -> list[str]:
    """Rows with real features under the clean protocol, from the lowest RMSE up."""
    rows = table(name).query("features == 'real' and protocol == 'clean'")
    rows = rows if among is None else rows[rows["row"].isin(among)]
    return rows.sort_values("rmse_mean", kind="stable")["row"].tolist()


def swapped(rows: list[str]) -> list[str]:
    """The same with the first two in the other order."""
    return [rows[1], rows[0], *rows[2:]]


@cache
def prose(path: Path) -> str:
    """The text of a file, of a notebook its text cells, with single spaces."""
    content = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = json.loads(content)["cells"]
        texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
        content = "\n\n".join(texts)
    return " ".join(content.split())


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.sentence[:40])
def test_claims_follow_from_the_tables(claim):
    sentence = claim.sentence.format(*claim.numbers())
    assert sentence in prose(PROJECT / claim.where)
    assert claim.holds(), f"the tables say otherwise: {sentence}"


@pytest.mark.parametrize("claim", [c for c in CLAIMS if "{}" in c.sentence][:3])
def test_another_number_would_be_noticed(claim):
    altered = [f"{float(n.split()[0]) + 0.5:.3f}" for n in claim.numbers()]
    assert claim.sentence.format(*altered) not in prose(PROJECT / claim.where)


def test_what_was_false_is_not_said_again():
    pages = [PROJECT / README, *(PROJECT / "book").glob("*.md"), *(PROJECT / "notebooks").glob("*")]
    said = [
        f"{page.name}: {hit.group()}"
        for page in pages
        if page.suffix in (".md", ".ipynb")
        for pattern in FALSE
        if (hit := re.search(pattern, prose(page)))
    ]
    assert said == []


@pytest.fixture(scope="module")
def mirror() -> Path:
    folder = os.environ.get("MMREC_MIRROR")
    if not folder:
        pytest.skip("needs the mirror (MMREC_MIRROR)")
    return Path(folder)


def test_the_published_audio_file_is_uninformative(mirror):
    """Chapter 4: almost all variance in three components, and no twin finds its twin."""
    vectors, _ = published.read(mirror / "enhanced-ml-100k" / "audio_embeddings.csv")
    scaled = vectors.vectors - vectors.vectors.mean(axis=0, dtype=float)
    scaled /= scaled.std(axis=0)
    variance = np.linalg.svd(scaled, compute_uv=False) ** 2
    assert "96 % of the variance of the 128 numbers lies in three components" in prose(
        PROJECT / "notebooks" / "04_audio_embedding.ipynb"
    )
    assert round(100 * variance[:3].sum() / variance.sum()) == 96

    movies = movielens.read(mirror / "ml-100k").movies
    films = pd.Series(movielens.film_ids(movies).to_numpy(), movies["movie_id"])
    films = films[vectors.movie_ids].to_numpy()
    unit = scaled / np.linalg.norm(scaled, axis=1, keepdims=True)
    cosine = unit @ unit.T
    np.fill_diagonal(cosine, -1)
    twins = np.flatnonzero(pd.Series(films).duplicated(keep=False))
    assert len(twins) == 20
    assert not (films[cosine[twins].argmax(axis=1)] == films[twins]).any()


def test_the_most_popular_films_are_a_better_list_than_any_of_the_reference_run(mirror):
    """README and chapter 10: the baseline that the reference run lacks."""
    data = movielens.read(mirror / "ml-100k")
    films = pd.Series(movielens.film_ids(data.movies).to_numpy(), data.movies["movie_id"])
    train = data.ratings[~movielens.fold_masks(data.ratings)["u1"]]
    test = sealed_test(data.ratings, films, fold="u1")
    popular = train["movie_id"].value_counts().index.to_numpy()
    lists = []
    for user in test.pairs["user_id"].unique():
        seen = train.loc[train["user_id"] == user, "movie_id"]
        best = popular[~np.isin(popular, seen)][:20]
        lists.append(pd.DataFrame({"user_id": user, "rank": range(1, 21), "movie_id": best}))
    scores = score_lists(pd.concat(lists), test, films)
    for measure in ("ndcg_10", "recall_20"):
        assert scores[measure] > table("lists")[measure].max()
