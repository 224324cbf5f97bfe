"""LensKit's models behind ours: known answers, strangers, the tuning, the seed."""

import numpy as np
import pandas as pd
import pytest

from mmrec.models import item_knn, matrix_factorisation
from mmrec.models.biases import BiasConfig
from mmrec.models.item_knn import ItemKNNConfig
from mmrec.models.lenskit_data import dataset
from mmrec.models.matrix_factorisation import MatrixFactorisationConfig
from tests import training_data

# An unknown movie, an unknown user, both unknown.
STRANGERS = pd.DataFrame([(1, 999), (999, 2), (999, 999)], columns=["user_id", "movie_id"])


def fitted(config, train: pd.DataFrame, validation: pd.DataFrame, seed: int = 0):
    return config.build().fit(training_data.of(train, validation), seed=seed)


@pytest.fixture(scope="module")
def parts() -> tuple[pd.DataFrame, pd.DataFrame]:
    data = training_data.usual()
    return data.train, data.validation


@pytest.fixture(scope="module")
def knn(parts):
    return fitted(ItemKNNConfig(), *parts)


@pytest.fixture(scope="module")
def factorised(parts):
    return fitted(MatrixFactorisationConfig(), *parts)


def test_too_few_neighbours_leave_it_to_the_biases():
    # Movies 1 and 2 always agree, and so do 3 and 4; the two pairs are opposites.
    rows = [(user, m, 5 - user % 4 if m < 3 else 1 + user % 4) for user in range(8) for m in (1, 3)]
    rows += [(u, m + 1, r) for u, m, r in rows if u != 3]
    train = pd.DataFrame(rows, columns=["user_id", "movie_id", "rating"])
    model = fitted(ItemKNNConfig(), train, train)
    wanted = pd.DataFrame({"user_id": [3, 3], "movie_id": [2, 4]})
    # User 3 rated 1 with 2 and 3 with 4, but a single neighbour of each: too few to trust.
    by_bias = fitted(BiasConfig(), train, train)
    assert model.predict(wanted) == pytest.approx(by_bias.predict(wanted))


def test_one_prediction_from_its_neighbours():
    """Against the weighted mean of centred ratings, worked out from the definition."""
    rng = np.random.default_rng(0)
    matrix = rng.integers(1, 6, (12, 5)).astype(float)
    matrix[0, 4] = np.nan  # to be predicted
    user, movie = np.nonzero(~np.isnan(matrix))
    train = pd.DataFrame({"user_id": user, "movie_id": movie, "rating": matrix[user, movie]})
    model = fitted(ItemKNNConfig(), train, train)

    means = np.nanmean(matrix, axis=0)
    centred = np.nan_to_num(matrix - means)
    unit = centred / np.linalg.norm(centred, axis=0)
    similar = (unit.T @ unit)[4, :4]
    assert (similar > 0).sum() >= item_knn.MIN_NEIGHBOURS
    similar = np.where(similar > 0, similar, 0)
    expected = means[4] + similar @ centred[0, :4] / similar.sum()
    found = model.predict(pd.DataFrame({"user_id": [0], "movie_id": [4]}))
    assert found == pytest.approx([expected], abs=1e-5)


@pytest.mark.parametrize("name", ["knn", "factorised"])
def test_the_best_on_validation_is_what_predicts(name, parts, request):
    model, validation = request.getfixturevalue(name), parts[1]
    tried = [row["validation_rmse"] for row in model.record["tuning"]]
    assert model.record["validation_rmse"] == min(tried)
    error = model.predict(validation).clip(1, 5) - validation["rating"]
    assert np.sqrt((error**2).mean()) == pytest.approx(min(tried))
    assert {**model.chosen, "validation_rmse": min(tried)} in model.record["tuning"]


def test_every_setting_is_on_record(knn, factorised, parts):
    assert [row["k"] for row in knn.record["tuning"]] == list(ItemKNNConfig().neighbours)
    dampings = {row["damping"] for row in knn.record["tuning"]}
    assert dampings == {fitted(BiasConfig(), *parts).chosen["damping"]}
    tried = [(row["factors"], row["regularisation"]) for row in factorised.record["tuning"]]
    config = MatrixFactorisationConfig()
    assert len(set(tried)) == len(tried) == len(config.factors) * len(config.regularisation)


def test_one_training_serves_every_number_of_neighbours(parts):
    """Each number predicts as a scorer that was trained with it alone would."""
    data, pairs = training_data.of(*parts), training_data.every_pair()
    both, found = ItemKNNConfig((2, 30)).build(), []
    for k in (2, 30):
        given = {"k": k, "damping": 5}
        alone = ItemKNNConfig((k,)).build().fit(data, seed=0, chosen=given)
        found.append(both.fit(data, seed=0, chosen=given).predict(pairs))
        assert np.array_equal(found[-1], alone.predict(pairs))
    assert not np.array_equal(*found)


def test_strangers_to_the_neighbours_get_the_biases(knn, parts):
    expected = fitted(BiasConfig(), *parts)
    assert knn.predict(STRANGERS) == pytest.approx(expected.predict(STRANGERS))


def test_strangers_to_the_factors_get_the_known_bias(factorised, parts):
    found = factorised.predict(STRANGERS)
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
    scorer.train(dataset(train), TrainingOptions(rng=1))
    movies = ItemList(item_ids=np.unique(train["movie_id"]))
    pairs = pd.DataFrame({"user_id": 4, "movie_id": movies.ids()})
    expected = scorer(RecQuery(user_id=4), movies).scores()
    assert matrix_factorisation.predictor(scorer)(pairs) == pytest.approx(expected, abs=1e-5)


def test_a_seed_settles_the_factors(factorised, parts):
    again, other = (fitted(MatrixFactorisationConfig(), *parts, seed=seed) for seed in (0, 1))
    assert np.array_equal(again.predict(parts[1]), factorised.predict(parts[1]))
    assert not np.array_equal(other.predict(parts[1]), factorised.predict(parts[1]))
