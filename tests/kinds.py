"""One experiment of every kind, on the hand-made workspace of :mod:`tiny`."""

from dataclasses import replace
from typing import Any

import tiny

from mmrec.experiments.paper import BASELINES
from mmrec.experiments.spec import Experiment
from mmrec.models.content_ease import ContentEaseConfig
from mmrec.models.content_kernel_ridge import ContentKernelRidgeConfig
from mmrec.models.content_likes import ContentLikesConfig
from mmrec.models.content_ridge import ContentRidgeConfig
from mmrec.models.factorisation_machine import FactorisationMachineConfig
from mmrec.models.implicit import BPR, LIGHTGCN, EaseConfig, ImplicitFactorsConfig
from mmrec.models.pair_process import PairProcessConfig
from mmrec.models.rating_vectors import RatingVectorsConfig
from mmrec.models.same_list import MostPopularConfig, SortedConfig
from mmrec.models.siamese import SiameseConfig
from mmrec.models.straight_line import StraightLineConfig
from mmrec.models.twin_towers import TwinTowersConfig

ALL = ("video", "audio", "text", "meta")
DRAWS = {"draws": 12, "burn_in": 2}
"""A sampler's first draws are as good as its last for what is tested."""


def siamese(*modalities: str, seed: int = 0, **choices: Any) -> Experiment:
    """The paper's network, trained for as long as a test may take."""
    return Experiment(SiameseConfig(modalities, training=tiny.TRAINING), seed, **choices)


def machine(*content: str, item_ids: bool = True, **choices: Any) -> Experiment:
    """A factorisation machine on some of the tiny tables."""
    config = FactorisationMachineConfig(
        item_ids=item_ids, demographics=True, implicit=True, content=content, **DRAWS
    )
    return Experiment(config, 0, **choices)


REMEDIED = replace(
    tiny.TRAINING,
    input_dropout=0.5,
    variance_preserving_init=True,
    scale_user_vectors=True,
    ema_decay=0.9,
)
"""Every option of the training that is off by default."""

VECTORS = Experiment(RatingVectorsConfig(tiny.TRAINING), 0)
MEANS = ("global mean", "user mean", "movie mean")
RATINGS_ALONE = {
    row: Experiment(BASELINES[row], 0)
    for row in (*MEANS, "user+movie bias", "item kNN", "matrix factorisation")
}

EVERY_KIND = {
    "siamese": siamese(*ALL),
    "siamese, masked": siamese("text", masking=0.5),
    "siamese, permuted": siamese("meta", "audio", features="permuted"),
    "siamese, remedied": Experiment(SiameseConfig(("text", "meta"), training=REMEDIED), 0),
    "siamese, refitted": siamese("text", refit=True),
    "rating vectors": VECTORS,
    "rating vectors, masked": replace(VECTORS, masking=0.5),
    "rating vectors, remedied": Experiment(RatingVectorsConfig(REMEDIED), 0),
    "rating vectors, refitted": replace(VECTORS, refit=True),
    **RATINGS_ALONE,
    "user+movie bias, refitted": replace(RATINGS_ALONE["user+movie bias"], refit=True),
    "FM: ids": Experiment(FactorisationMachineConfig(**DRAWS), 0),
    "FM: ids and users": machine(),
    "FM: content": machine("text", "meta", item_ids=False),
    "FM: content, permuted": machine("text", "meta", item_ids=False, features="permuted"),
    "FM: hybrid": machine(*ALL),
    "straight line": Experiment(StraightLineConfig("meta", "rating"), 0),
    "ridge": Experiment(ContentRidgeConfig(("text", "meta"), (30, 300)), 0),
    "ridge, permuted": Experiment(
        ContentRidgeConfig(("text", "meta"), (30, 300)), 0, features="permuted"
    ),
    "kernel ridge": Experiment(ContentKernelRidgeConfig(("text", "meta"), (100, 10), (10, 2)), 0),
    "pair process": Experiment(PairProcessConfig(("text", "meta"), rounds=1, max_updates=1), 0),
    "twin towers": Experiment(TwinTowersConfig(("text", "meta"), epochs=2), 0),
}
"""Under the clean protocol, on the first warm fold."""

LISTS = {
    "most popular": Experiment(MostPopularConfig(), 0),
    "by crowd's rating": Experiment(SortedConfig("meta", "rating"), 0),
    "by crowd's rating, permuted": Experiment(
        SortedConfig("meta", "rating"), 0, features="permuted"
    ),
    "EASE": Experiment(EaseConfig((100, 300)), 0),
    "iALS": Experiment(ImplicitFactorsConfig((8, 4), (2,), (20,), epochs=2), 0),
    "BPR": Experiment(replace(BPR, decays=(1.0, 0.3), factors=8, epochs=2), 0),
    "LightGCN": Experiment(replace(LIGHTGCN, decays=(0.1, 0.3), factors=8, epochs=2), 0),
    "likes from content": Experiment(ContentLikesConfig(("text", "meta"), (10, 1)), 0),
    "content and EASE": Experiment(
        ContentEaseConfig(("text", "meta"), (30,), (100, 300), (0.5,), tastes=5), 0
    ),
    "most popular, refitted": Experiment(MostPopularConfig(), 0, refit=True),
}
"""Those that only rank, in the same way."""
