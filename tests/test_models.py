"""What the contract of models says holds for each of them."""

from dataclasses import FrozenInstanceError, asdict, replace

import numpy as np
import pandas as pd
import pytest

from mmrec.errors import StudyError
from mmrec.models import registry
from mmrec.models.content_kernel_ridge import ContentKernelRidgeConfig
from mmrec.models.content_ridge import ContentRidgeConfig
from mmrec.models.factorisation_machine import FactorisationMachineConfig
from mmrec.models.pair_process import PairProcessConfig
from mmrec.models.siamese import SiameseConfig
from mmrec.models.straight_line import StraightLineConfig
from mmrec.models.training import TrainingSettings
from mmrec.models.twin_towers import TwinTowersConfig
from tests import tiny, training_data

QUICK = {"epochs": 3, "patience": 3, "batch_size": 256}


def quick(config):
    """The same model, fitted as quickly as a test may last, on the tables of the tests."""
    if isinstance(config, FactorisationMachineConfig):
        content = ("meta", "text") if config.content else ()
        return replace(
            config, ranks=(2, 3), components=(3, 4), draws=12, burn_in=4, content=content
        )
    if isinstance(config, SiameseConfig):
        config = replace(config, modalities=("text", "meta"))
    if isinstance(config, StraightLineConfig):
        return replace(config, table="meta")
    if isinstance(config, ContentRidgeConfig | ContentKernelRidgeConfig | PairProcessConfig):
        return replace(config, content=("text", "meta"))
    if isinstance(config, TwinTowersConfig):
        return replace(config, content=("text", "meta"), epochs=3)
    if hasattr(config, "training"):
        config = replace(config, training=replace(config.training, **QUICK))
    return config


CONFIGS = {
    name: quick(config)
    for name, config in registry.MODELS.items()
    if config.build().predicts_ratings  # tests/test_lists.py has the others
}


@pytest.fixture(scope="module", params=CONFIGS)
def fitted(request):
    """A config, and a model with it that has been fitted on the usual data."""
    config = CONFIGS[request.param]
    return config, config.build().fit(training_data.usual(), seed=0)


def test_a_config_is_frozen_and_plain(fitted):
    config, _ = fitted
    with pytest.raises(FrozenInstanceError):
        config.anything = 1
    assert hash(config) == hash(replace(config))

    def plain(value):
        if isinstance(value, dict | tuple):
            some = value.values() if isinstance(value, dict) else value
            return all(plain(part) for part in some)
        return isinstance(value, int | float | str | bool)

    assert plain(asdict(config))


def test_a_config_names_the_features_that_it_reads(fitted):
    config, model = fitted
    if not config.features:
        return
    data = training_data.usual()
    for name in config.features:
        features = {other: table for other, table in data.features.items() if other != name}
        with pytest.raises(StudyError, match=f"no '{name}' features"):
            config.build().fit(replace(data, features=features), seed=0)
    other = {
        name: replace(table, vectors=table.vectors[::-1]) if name in config.features else table
        for name, table in data.features.items()
    }
    changed = config.build().fit(replace(data, features=other), seed=0)
    pairs = training_data.every_pair()
    assert not np.array_equal(model.predict(pairs), changed.predict(pairs))


def test_everybody_gets_a_rating_in_any_order(fitted):
    _, model = fitted
    pairs = training_data.every_pair()
    found = model.predict(pairs)
    assert (found.dtype, found.shape) == (np.float64, (len(pairs),))
    assert np.isfinite(found).all()
    shuffled = pairs.sample(frac=1, random_state=0)
    assert pd.Series(model.predict(shuffled), shuffled.index).sort_index().to_numpy() == (
        pytest.approx(found)
    )
    assert model.predict(pairs[:0]).shape == (0,)


def test_scores_are_predictions_laid_out_by_user(fitted):
    _, model = fitted
    pairs = training_data.every_pair()
    users, movies = pairs["user_id"].unique(), pairs["movie_id"].unique()
    grid = model.score(users, movies)
    assert grid.ravel() == pytest.approx(model.predict(pairs))
    lists = model.recommend(users, movies, pairs.iloc[:0], k=3)
    best = np.sort(grid, axis=1)[:, ::-1][:, :3]
    rows = lists["user_id"] - 1, pd.Index(movies).get_indexer(lists["movie_id"])
    assert grid[rows].reshape(-1, 3) == pytest.approx(best)


def test_a_refit_takes_what_was_chosen_and_needs_no_validation(fitted):
    """And it learns from what it is given: the validation ratings, in the study."""
    config, model = fitted
    ratings = tiny.ratings()
    whole = training_data.of(ratings)
    refitted = config.build().fit(whole, seed=0, chosen=model.chosen)
    assert refitted.chosen == model.chosen
    assert "tuning" not in refitted.record
    assert "validation_rmse" not in refitted.record
    pairs = training_data.every_pair()
    assert not np.array_equal(refitted.predict(pairs), model.predict(pairs))
    again = config.build().fit(whole, seed=0, chosen=model.chosen)
    assert np.array_equal(refitted.predict(pairs), again.predict(pairs))


def test_a_refit_on_the_same_ratings_gives_the_same_predictions(fitted):
    config, model = fitted
    data = training_data.usual()
    again = config.build().fit(data, seed=0, chosen=model.chosen)
    pairs = training_data.every_pair()
    np.testing.assert_array_equal(again.predict(pairs), model.predict(pairs))


def test_the_record_tells_the_validation_error_of_what_was_chosen(fitted):
    _, model = fitted
    if "validation_rmse" not in model.record:
        assert model.chosen == {}, "a mean, which chooses nothing"
        return
    validation = training_data.usual().validation
    error = model.predict(validation).clip(1, 5) - validation["rating"]
    assert model.record["validation_rmse"] == pytest.approx(np.sqrt((error**2).mean()))


def test_validation_ratings_choose_and_teach_nothing(fitted):
    config, model = fitted
    data = training_data.usual()
    turned = replace(data, validation=data.validation.assign(rating=lambda v: 6 - v["rating"]))
    other = config.build().fit(turned, seed=0)
    same = config.build().fit(data, seed=0, chosen=other.chosen)
    pairs = training_data.every_pair()
    np.testing.assert_array_equal(other.predict(pairs), same.predict(pairs))
    if model.chosen:
        assert other.record["validation_rmse"] != model.record["validation_rmse"]


def test_without_anything_to_choose_by_it_says_so(fitted):
    config, model = fitted
    if not model.chosen:
        return
    with pytest.raises(StudyError, match="no validation ratings"):
        config.build().fit(training_data.of(tiny.ratings()), seed=0)


def test_an_unknown_name_raises_an_error_that_lists_the_valid_ones():
    with pytest.raises(StudyError, match=r"unknown model 'oracle'.*global-mean, .*siamese"):
        registry.config("oracle")


def test_the_network_names_the_id_that_it_does_not_know():
    config = SiameseConfig(("text",), training=TrainingSettings(**QUICK))
    model = config.build().fit(training_data.usual(), seed=0)
    with pytest.raises(StudyError, match="user_id 999 is unknown"):
        model.predict(pd.DataFrame({"user_id": [1, 999], "movie_id": [2, 2]}))
    with pytest.raises(StudyError, match="movie_id 3 is unknown"):
        model.predict(pd.DataFrame({"user_id": [1, 1], "movie_id": [2, 3]}))


def test_a_refit_of_the_network_keeps_its_last_epoch_whatever_the_validation_ratings():
    config = SiameseConfig(("text",), training=TrainingSettings(**QUICK | {"patience": 1}))
    data, pairs = training_data.usual(), training_data.every_pair()
    fits = [
        config.build().fit(replace(data, validation=validation), seed=0, chosen={"epochs": 6})
        for validation in (
            data.validation[:0],
            data.validation.assign(rating=1),
            data.validation.assign(rating=5),
        )
    ]
    for fit in fits:
        assert (fit.chosen, len(fit.record["history"])) == ({"epochs": 6}, 6)
        np.testing.assert_array_equal(fit.predict(pairs), fits[0].predict(pairs))
