"""An average of models, and a model whose new films lack a modality."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mmrec.models.average import AverageConfig
from mmrec.models.factorisation_machine import FactorisationMachineConfig
from mmrec.models.item_knn import ItemKNNConfig
from mmrec.models.matrix_factorisation import MatrixFactorisationConfig
from mmrec.models.pair_process import PairProcessConfig
from mmrec.models.rating_scale import rmse
from mmrec.models.twin_towers import TwinTowersConfig
from mmrec.models.withheld import WithheldConfig
from tests import training_data
from tests.test_pair_process import CONFIG, world

AVERAGE = AverageConfig(
    PairProcessConfig(("meta",), rounds=2, max_updates=1),
    PairProcessConfig(demographics=False, coordinates=0, rounds=2, max_updates=1),
    FactorisationMachineConfig(ranks=(2,), components=(3,), draws=12, burn_in=4),
    MatrixFactorisationConfig(),
    TwinTowersConfig(("meta",), epochs=2, identity_dropouts=(0.5,)),
    ItemKNNConfig(),
)


def test_an_average_is_no_worse_on_what_its_weights_were_chosen_by():
    data, config = training_data.usual(), AVERAGE
    model = config.build().fit(data, seed=0)
    assert config.features == ("meta",)
    weights = model.chosen["weights"]
    assert len(weights) == len(config.members)
    assert min(weights) >= 0
    alone = [
        member.build().fit(data, seed=0).predict(data.validation)
        for member in config.members.values()
    ]
    rating = data.validation["rating"].to_numpy()
    best = min(np.sqrt(((prediction - rating) ** 2).mean()) for prediction in alone)
    found = np.sqrt(((model.predict(data.validation) - rating) ** 2).mean())
    assert found < best
    assert model.record["validation_rmse"] == rmse(model.predict(data.validation), rating)


def test_a_refit_of_an_average_keeps_its_weights():
    data = training_data.usual()
    chosen = AVERAGE.build().fit(data, seed=0).chosen
    joined = replace(
        data,
        train=pd.concat([data.train, data.validation.assign(view=0)], ignore_index=True),
        validation=data.validation[:0],
    )
    assert AVERAGE.build().fit(joined, seed=0, chosen=chosen).chosen == chosen


@pytest.fixture(scope="module")
def whole():
    data, test = world()
    return CONFIG.build().fit(data, seed=0), data, test


def test_new_films_may_lack_what_others_have(whole):
    model, data, test = whole
    errors, sds = [], []
    for share in (0.0, 0.5, 1.0):
        some = WithheldConfig(CONFIG, "two", share).build().fit(data, seed=0)
        errors.append(rmse(some.predict(test), test["rating"]))
        sds.append(some.predictive_sd(test).mean())
    assert errors[0] == rmse(model.predict(test), test["rating"])
    assert errors[0] < errors[1] < errors[2]
    assert sds[0] < sds[1] < sds[2]
