"""Lists of recommendations and their scores, by hand and against scikit-learn."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import ndcg_score

from mmrec.errors import StudyError
from mmrec.evaluation import metrics, ranking
from mmrec.evaluation.protocols import SealedTest

NOTHING = pd.DataFrame({"user_id": [], "movie_id": []}, dtype="int64")


def pairs(*rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["user_id", "movie_id"])


def sealed(*rows) -> SealedTest:
    return SealedTest(pd.DataFrame(rows, columns=["user_id", "movie_id", "rating"]))


def lists(**movies) -> pd.DataFrame:
    """Lists by user: ``lists(u1=[7, 9])``."""
    return pd.concat(
        pd.DataFrame({"user_id": int(user[1:]), "rank": range(1, len(some) + 1), "movie_id": some})
        for user, some in movies.items()
    )


# --- making lists -------------------------------------------------------------------------------


def test_the_best_come_first_and_what_was_seen_does_not_come():
    found = ranking.recommend(
        lambda frame: frame["movie_id"] * np.where(frame["user_id"] == 8, 1, -1),
        users=[8, 3],
        candidates=[20, 10, 40, 30],
        seen=pairs((8, 40), (3, 20), (5, 30), (3, 99)),
        k=2,
    )
    assert found.columns.tolist() == ["user_id", "rank", "movie_id"]
    assert found.to_numpy().tolist() == [[8, 1, 30], [8, 2, 20], [3, 1, 10], [3, 2, 30]]


def test_fewer_candidates_than_places_make_a_short_list():
    found = ranking.recommend(lambda f: f["movie_id"], [1, 2], [5, 6, 7], pairs((1, 6)), k=20)
    assert found.groupby("user_id")["movie_id"].apply(list).to_dict() == {1: [7, 5], 2: [7, 6, 5]}


def test_lists_depend_on_neither_the_chunks_nor_the_order_given(monkeypatch):
    movies, users = np.arange(50), np.arange(1, 20)

    def score(frame):  # many ties
        return (frame["movie_id"] * frame["user_id"]) % 3

    whole = ranking.recommend(score, users, movies, NOTHING)
    monkeypatch.setattr(ranking, "USERS_PER_CHUNK", 4)
    parts = ranking.recommend(score, users[::-1], movies[::-1], NOTHING)
    parts = parts.sort_values(["user_id", "rank"], ignore_index=True)
    pd.testing.assert_frame_equal(whole, parts)


def test_ties_favour_no_movie():
    users, movies = np.arange(400), np.arange(40)
    found = ranking.recommend(lambda f: np.zeros(len(f)), users, movies, NOTHING, k=10)
    counts = found["movie_id"].value_counts().reindex(movies, fill_value=0)
    assert abs(counts[:20].sum() / counts.sum() - 0.5) < 0.03, "not in the order of ids"
    assert counts.min() > 60, "100 expected of each"


def test_a_prediction_that_is_no_number_is_an_error():
    with pytest.raises(StudyError, match="2 of 4 predictions are not a number"):
        ranking.recommend(
            lambda f: np.where(f["movie_id"] == 5, np.nan, 3), [1, 2], [5, 6], NOTHING
        )


# --- scoring lists ------------------------------------------------------------------------------


def test_scores_by_hand():
    # User 1 likes 7, 8 and 9: 7 is first, 9 third, 8 not listed. User 2 likes 5, listed eleventh.
    test = sealed((1, 7, 5), (1, 8, 4), (1, 9, 4), (1, 6, 3), (2, 5, 4), (3, 7, 3), (2, 7, 1))
    made = lists(u1=[7, 6, 9], u2=[*range(100, 110), 5, 7], u3=[7], u4=[7])
    scores = metrics.list_scores(made, test)
    ideal = 1 + 1 / np.log2(3) + 0.5
    assert scores.index.tolist() == [1, 2, 3], "user 4 has no test rating"
    assert scores["ndcg_10"].tolist()[:2] == pytest.approx([1.5 / ideal, 0])
    assert scores["recall_20"].tolist()[:2] == pytest.approx([2 / 3, 1])
    assert scores.loc[3].isna().all(), "likes nothing in the test part"
    assert metrics.score_lists(made, test) == pytest.approx(
        {
            "ndcg_10": 0.75 / ideal,
            "recall_20": 5 / 6,
            "users_ranked": 2,
            "users_without_relevant": 1,
        }
    )


def test_more_relevant_movies_than_places():
    hits = np.ones((1, 20), bool)
    assert ranking.ndcg(hits, np.array([35])) == pytest.approx([1])
    assert ranking.recall(hits, np.array([35])) == pytest.approx([20 / 35])


def test_ndcg_is_that_of_scikit_learn():
    rng = np.random.default_rng(2)
    relevant = rng.random((30, 60)) < 0.2
    score = rng.random((30, 60))  # no ties
    hits = np.take_along_axis(relevant, np.argsort(-score, axis=1), axis=1)
    found = ranking.ndcg(hits, relevant.sum(axis=1)).mean()
    assert found == pytest.approx(ndcg_score(relevant, score, k=10))


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
            ranking.recommend(lambda f, s=sign: s * truth(f), range(1, 9), range(60), NOTHING), test
        )
        for sign in (1, -1)
    )
    assert perfect["ndcg_10"] == perfect["recall_20"] == 1
    assert opposite["ndcg_10"] == opposite["recall_20"] == 0


def test_a_user_with_likes_and_no_list_is_an_error():
    with pytest.raises(StudyError, match="1 users of the test part have no list, 2 for one"):
        metrics.list_scores(lists(u1=[7]), sealed((1, 7, 5), (2, 7, 5), (3, 7, 1)))


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
    made = ranking.recommend(lambda f: np.zeros(len(f)), range(300), range(100), NOTHING)
    found = ranking.popularity(made, range(100), train)
    assert found["popularity_percentile"] == pytest.approx(0.5, abs=0.02)
