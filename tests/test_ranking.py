"""Lists of recommendations and their scores, by hand and against scikit-learn."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lenskit.data import ItemList
from lenskit.metrics import NDCG, Recall
from lenskit.metrics.ranking import LogRankWeight
from sklearn.metrics import ndcg_score

from mmrec.errors import StudyError
from mmrec.evaluation import metrics, ranking
from mmrec.evaluation.protocols import SealedTest
from mmrec.models import base
from mmrec.models.base import Recommender

FILMS = pd.Series(np.arange(200), np.arange(200))  # every id a film of its own
NOTHING = pd.DataFrame({"user_id": [], "movie_id": []}, dtype="int64")


def pairs(*rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["user_id", "movie_id"])


def sealed(*rows) -> SealedTest:
    return SealedTest(pd.DataFrame(rows, columns=["user_id", "movie_id", "rating"]))


class Scores(Recommender):
    """Predicts what a function says of pairs."""

    def __init__(self, function):
        self.function = function

    def fit(self, data, *, seed, chosen=None):
        return self

    def predict(self, pairs):
        return np.asarray(self.function(pairs), float)


def recommend(function, users, candidates, seen, k=20) -> pd.DataFrame:
    return Scores(function).recommend(users, candidates, seen, k)


def lists(**movies) -> pd.DataFrame:
    """Lists by user: ``lists(u1=[7, 9])``."""
    return pd.concat(
        pd.DataFrame({"user_id": int(user[1:]), "rank": range(1, len(some) + 1), "movie_id": some})
        for user, some in movies.items()
    )


# --- making lists -------------------------------------------------------------------------------


def test_the_best_come_first_and_what_was_seen_does_not_come():
    found = recommend(
        lambda frame: frame["movie_id"] * np.where(frame["user_id"] == 8, 1, -1),
        users=[8, 3],
        candidates=[20, 10, 40, 30],
        seen=pairs((8, 40), (3, 20), (5, 30), (3, 99)),
        k=2,
    )
    assert found.columns.tolist() == ["user_id", "rank", "movie_id"]
    assert found.to_numpy().tolist() == [[8, 1, 30], [8, 2, 20], [3, 1, 10], [3, 2, 30]]


def test_fewer_candidates_than_places_make_a_short_list():
    found = recommend(lambda f: f["movie_id"], [1, 2], [5, 6, 7], pairs((1, 6)), k=20)
    assert found.groupby("user_id")["movie_id"].apply(list).to_dict() == {1: [7, 5], 2: [7, 6, 5]}


def test_lists_depend_on_neither_the_chunks_nor_the_order_given(monkeypatch):
    movies, users = np.arange(50), np.arange(1, 20)

    def score(frame):  # many ties
        return (frame["movie_id"] * frame["user_id"]) % 3

    whole = recommend(score, users, movies, NOTHING)
    monkeypatch.setattr(base, "USERS_PER_CHUNK", 4)
    parts = recommend(score, users[::-1], movies[::-1], NOTHING)
    parts = parts.sort_values(["user_id", "rank"], ignore_index=True)
    pd.testing.assert_frame_equal(whole, parts)


def test_ties_favour_no_movie():
    users, movies = np.arange(400), np.arange(40)
    found = recommend(lambda f: np.zeros(len(f)), users, movies, NOTHING, k=10)
    counts = found["movie_id"].value_counts().reindex(movies, fill_value=0)
    assert abs(counts[:20].sum() / counts.sum() - 0.5) < 0.03, "not in the order of ids"
    assert counts.min() > 60, "100 expected of each"


def test_a_prediction_that_is_no_number_is_an_error():
    with pytest.raises(StudyError, match="2 of 4 scores are not a number"):
        recommend(lambda f: np.where(f["movie_id"] == 5, np.nan, 3), [1, 2], [5, 6], NOTHING)


# --- scoring lists ------------------------------------------------------------------------------


def test_scores_by_hand():
    # User 1 likes 7, 8 and 9: 7 is first, 9 third, 8 not listed. User 2 likes 5, listed eleventh.
    test = sealed((1, 7, 5), (1, 8, 4), (1, 9, 4), (1, 6, 3), (2, 5, 4), (3, 7, 3), (2, 7, 1))
    made = lists(u1=[7, 6, 9], u2=[*range(100, 110), 5, 7], u3=[7], u4=[7])
    scores = metrics.list_scores(made, test, FILMS)
    ideal = 1 + 1 / np.log2(3) + 0.5
    assert scores.index.tolist() == [1, 2, 3], "user 4 has no test rating"
    assert scores["ndcg_10"].tolist()[:2] == pytest.approx([1.5 / ideal, 0])
    assert scores["recall_20"].tolist()[:2] == pytest.approx([2 / 3, 1])
    assert scores.loc[3].isna().all(), "likes nothing in the test part"
    assert metrics.score_lists(made, test, FILMS) == pytest.approx(
        {
            "ndcg_10": 0.75 / ideal,
            "recall_20": 5 / 6,
            "users_ranked": 2,
            "users_without_relevant": 1,
        }
    )


def test_more_relevant_movies_than_places():
    test = sealed(*[(1, movie, 5) for movie in range(35)])
    scores = metrics.list_scores(lists(u1=list(range(20))), test, FILMS)
    assert scores.loc[1].tolist() == pytest.approx([1, 20 / 35])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 30))
def test_scores_are_those_of_lenskit_and_scikit_learn(seed, n_relevant):
    """LensKit's recall counts at most k relevant films, ours all of them."""
    rng = np.random.default_rng(seed)
    score = rng.permutation(60).astype(float)  # no ties
    liked = rng.permutation(60)[:n_relevant]
    listed = np.argsort(-score)[:20]
    test = sealed(*[(1, movie, 5) for movie in liked], (1, 199, 1))
    (found,) = metrics.list_scores(lists(u1=listed), test, FILMS).itertuples(index=False)
    made, wanted = ItemList(item_ids=listed, ordered=True), ItemList(item_ids=liked)
    ndcg = NDCG(10, weight=LogRankWeight(offset=1)).measure_list(made, wanted)
    assert found.ndcg_10 == pytest.approx(ndcg)
    relevant = np.isin(np.arange(60), liked)
    assert found.ndcg_10 == pytest.approx(ndcg_score([relevant], [score], k=10))
    recall = Recall(20).measure_list(made, wanted) * min(20, n_relevant) / n_relevant
    assert found.recall_20 == pytest.approx(recall)
    assert 0 <= found.ndcg_10 <= 1
    assert 0 <= found.recall_20 <= 1


def test_a_film_under_two_ids_counts_once():
    films = FILMS.replace({8: 7})  # 7 and 8 are one film
    test = sealed((1, 7, 5), (1, 9, 4), (2, 8, 5), (2, 7, 2))
    twice = metrics.list_scores(lists(u1=[7, 8, 9], u2=[7, 8]), test, films)
    ideal = 1 + 1 / np.log2(3)
    assert twice.loc[1].tolist() == pytest.approx([(1 + 0.5) / ideal, 1]), "8 wastes its place"
    assert twice.loc[2].tolist() == [1, 1], "liked under one id, listed under the other"
    values = metrics.list_values(lists(u1=[7, 8, 9], u2=[7, 8]), test, films)
    assert values.groupby("user_id")["weight"].sum().to_dict() == {1: 1, 2: 1}
    assert len(values) == 3
    old = metrics.list_scores(lists(u1=[7, 8, 9], u2=[7, 8]), test, FILMS)
    assert old.loc[2].tolist() != twice.loc[2].tolist()


def test_lists_of_films_close_the_gap_that_a_second_id_leaves():
    films = FILMS.replace({8: 7})
    made = ranking.once_per_film(lists(u1=[8, 7, 9, 5], u2=[5, 7]), films, k=2)
    assert made.to_numpy().tolist() == [[1, 1, 8], [1, 2, 9], [2, 1, 5], [2, 2, 7]]
    assert made.columns.tolist() == ["user_id", "rank", "movie_id"]


def test_a_perfect_model_makes_perfect_lists_and_its_opposite_empty_ones():
    rng = np.random.default_rng(0)
    rated = [(u, m) for u in range(1, 9) for m in rng.permutation(60)[:12]]
    ratings = rng.integers(1, 6, len(rated))
    test = sealed(*[(*pair, rating) for pair, rating in zip(rated, ratings, strict=True)])
    known = dict(zip(rated, ratings, strict=True))

    def truth(frame):
        found = frame.itertuples(index=False)
        return np.array([known.get(tuple(pair), 0) for pair in found], float)

    perfect, opposite = (
        metrics.score_lists(
            recommend(lambda f, s=sign: s * truth(f), range(1, 9), range(60), NOTHING),
            test,
            FILMS,
        )
        for sign in (1, -1)
    )
    assert perfect["ndcg_10"] == perfect["recall_20"] == 1
    assert opposite["ndcg_10"] == opposite["recall_20"] == 0


def test_a_user_with_likes_and_no_list_is_an_error():
    with pytest.raises(StudyError, match="1 users of the test part have no list, 2 for one"):
        metrics.list_scores(lists(u1=[7]), sealed((1, 7, 5), (2, 7, 5), (3, 7, 1)), FILMS)


def test_coverage_counts_each_movie_once_and_the_first_ten_ranks_alone():
    made = lists(u1=[1, 2], u2=[2, 1], u3=[1, *range(3, 12), 12])
    assert ranking.catalogue_coverage(made, range(1, 41)) == 11 / 40


def test_popularity_is_that_of_the_entries():
    train = pd.DataFrame({"movie_id": [1] * 10 + [2] * 4 + [3] * 4 + [99] * 7})
    made = lists(u1=[1, 2], u2=[1], u3=[4, *[1] * 9, 3])
    found = ranking.popularity(made, [1, 2, 3, 4], train)
    entries = [1, 2, 1, 4] + [1] * 9
    percentiles = {1: 3.5 / 4, 2: 2 / 4, 4: 0.5 / 4}  # 2 and 3 are tied
    counts = {1: 10, 2: 4, 4: 0}
    assert found == pytest.approx(
        {
            "popularity_percentile": np.mean([percentiles[movie] for movie in entries]),
            "popularity_listed": np.mean([counts[movie] for movie in entries]),
            "popularity_candidates": 18 / 4,
        }
    )


def test_blind_lists_are_neither_popular_nor_not():
    rng = np.random.default_rng(1)
    train = pd.DataFrame({"movie_id": rng.zipf(1.5, 5000) % 100})
    made = recommend(lambda f: np.zeros(len(f)), range(300), range(100), NOTHING)
    found = ranking.popularity(made, range(100), train)
    assert found["popularity_percentile"] == pytest.approx(0.5, abs=0.02)
