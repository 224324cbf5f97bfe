"""LensKit's models behind our predictors: known answers, strangers, the tuning, the seed."""

import numpy as np
import pandas as pd
import pytest

from mmrec.models import baselines, collaborative, selection
from tests import tiny

# An unknown movie, an unknown user, both unknown.
STRANGERS = pd.DataFrame([(1, 999), (999, 2), (999, 999)], columns=["user_id", "movie_id"])


@pytest.fixture(scope="module")
def parts() -> tuple[pd.DataFrame, pd.DataFrame]:
    ratings = tiny.ratings()
    return ratings.iloc[:-80], ratings.iloc[-80:]


@pytest.fixture(scope="module")
def knn(parts):
    return collaborative.fit_item_knn(*parts)


@pytest.fixture(scope="module")
def factorised(parts):
    return collaborative.fit_matrix_factorisation(*parts, seed=0)


def test_too_few_neighbours_leave_it_to_the_biases():
    # Movies 1 and 2 always agree, and so do 3 and 4; the two pairs are opposites.
    rows = [(user, m, 5 - user % 4 if m < 3 else 1 + user % 4) for user in range(8) for m in (1, 3)]
    rows += [(u, m + 1, r) for u, m, r in rows if u != 3]
    train = pd.DataFrame(rows, columns=["user_id", "movie_id", "rating"])
    predict, _ = collaborative.fit_item_knn(train, train)
    wanted = pd.DataFrame({"user_id": [3, 3], "movie_id": [2, 4]})
    # User 3 rated 1 with 2 and 3 with 4, but a single neighbour of each: too few to trust.
    by_bias, _ = baselines.user_movie_bias(train, train)
    assert predict(wanted) == pytest.approx(by_bias(wanted))


def test_one_prediction_from_its_neighbours():
    """Against the weighted mean of centred ratings, worked out from the definition."""
    rng = np.random.default_rng(0)
    matrix = rng.integers(1, 6, (12, 5)).astype(float)
    matrix[0, 4] = np.nan  # to be predicted
    user, movie = np.nonzero(~np.isnan(matrix))
    train = pd.DataFrame({"user_id": user, "movie_id": movie, "rating": matrix[user, movie]})
    predict, _ = collaborative.fit_item_knn(train, train)

    means = np.nanmean(matrix, axis=0)
    centred = np.nan_to_num(matrix - means)
    unit = centred / np.linalg.norm(centred, axis=0)
    similar = (unit.T @ unit)[4, :4]
    assert (similar > 0).sum() >= collaborative.MIN_NEIGHBOURS
    similar = np.where(similar > 0, similar, 0)
    expected = means[4] + similar @ centred[0, :4] / similar.sum()
    found = predict(pd.DataFrame({"user_id": [0], "movie_id": [4]}))
    assert found == pytest.approx([expected], abs=1e-5)


@pytest.mark.parametrize("model", ["knn", "factorised"])
def test_the_best_on_validation_is_what_predicts(model, parts, request):
    predict, record = request.getfixturevalue(model)
    tried = [row["validation_rmse"] for row in record["tuning"]]
    assert record["validation_rmse"] == min(tried)
    assert selection.rmse(predict, parts[1]) == pytest.approx(min(tried))
    assert {**record["chosen"], "validation_rmse": min(tried)} in record["tuning"]


def test_every_setting_is_on_record(knn, factorised):
    assert [row["k"] for row in knn[1]["tuning"]] == list(collaborative.NEIGHBOURS)
    tried = {(row["factors"], row["regularisation"]) for row in factorised[1]["tuning"]}
    assert len(tried) == len(collaborative.FACTORS) * len(collaborative.REGULARISATION)


def test_strangers_to_the_neighbours_get_the_biases(knn, parts):
    expected, _ = baselines.user_movie_bias(*parts)
    assert knn[0](STRANGERS) == pytest.approx(expected(STRANGERS))


def test_strangers_to_the_factors_get_the_known_bias(factorised, parts):
    found = factorised[0](STRANGERS)
    mean = parts[0]["rating"].mean()
    assert found[2] == pytest.approx(mean)
    everyone = parts[0].groupby("movie_id")["rating"].agg(["mean", "size"])
    assert np.sign(found[1] - mean) == np.sign(everyone.loc[2, "mean"] - mean)


def test_factors_are_lenskits_own_scores(parts):
    """The product at once gives what LensKit gives user by user."""
    from lenskit.als import BiasedMFScorer
    from lenskit.data import ItemList, RecQuery
    from lenskit.training import TrainingOptions

    train, _ = parts
    scorer = BiasedMFScorer(embedding_size=5, regularization=0.1, epochs=3)
    scorer.train(collaborative._dataset(train), TrainingOptions(rng=1))
    movies = ItemList(item_ids=np.unique(train["movie_id"]))
    pairs = pd.DataFrame({"user_id": 4, "movie_id": movies.ids()})
    expected = scorer(RecQuery(user_id=4), movies).scores()
    assert collaborative._factor_predictor(scorer)(pairs) == pytest.approx(expected, abs=1e-5)


def test_the_order_of_the_pairs_is_kept(knn, factorised, parts):
    pairs = parts[1].sample(frac=1, random_state=0)
    for predict, _ in (knn, factorised):
        at_once = pd.Series(predict(pairs), pairs.index)
        assert at_once.loc[parts[1].index].to_numpy() == pytest.approx(predict(parts[1]))


def test_a_seed_settles_the_factors(factorised, parts):
    train, validation = parts
    again, _ = collaborative.fit_matrix_factorisation(train, validation, seed=0)
    other, _ = collaborative.fit_matrix_factorisation(train, validation, seed=1)
    assert np.array_equal(again(validation), factorised[0](validation))
    assert not np.array_equal(other(validation), factorised[0](validation))


def test_choose_takes_the_first_of_equals():
    validation = pd.DataFrame({"user_id": [1], "movie_id": [1], "rating": [4.0]})
    candidates = [({"to": to}, lambda pairs, to=to: np.full(len(pairs), to)) for to in (2, 5, 9, 3)]
    predict, record = selection.choose(iter(candidates), validation)
    assert record["chosen"] == {"to": 5}  # 9 is clipped to 5, and 3 is as far away
    assert predict(validation) == [5]
    assert [row["validation_rmse"] for row in record["tuning"]] == [2, 1, 1, 1]


def test_settings_are_chosen_in_turn():
    """Of a bowl whose lowest point is at 2 and 3, from 0 and 0."""
    validation = pd.DataFrame({"user_id": [1], "movie_id": [1], "rating": [1.0]})

    def fit(settings):
        away = abs(settings["a"] - 2) + abs(settings["b"] - 3)
        return lambda pairs: np.full(len(pairs), 1 + away / 2)

    predict, record = selection.choose_in_turn(fit, {"a": (0, 1, 2), "b": (0, 3)}, validation)
    assert record["chosen"] == {"a": 2, "b": 3}
    assert record["validation_rmse"] == 0
    assert predict(validation) == [1]
    tried = [(row["a"], row["b"]) for row in record["tuning"]]
    assert tried == [(0, 0), (1, 0), (2, 0), (2, 3)]
