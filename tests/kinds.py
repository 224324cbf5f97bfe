"""One experiment of every kind, on the hand-made workspace of :mod:`tiny`."""

from dataclasses import replace

import tiny

from mmrec.experiments import runner as grid
from mmrec.experiments.runner import Experiment

ALL = ("video", "audio", "text", "meta")


def siamese(*modalities: str, seed: int = 0, **choices) -> Experiment:
    """The paper's network, trained for as long as a test may take."""
    return Experiment("siamese", seed, modalities, settings=tiny.SETTINGS, **choices)


REMEDIED = replace(
    tiny.SETTINGS,
    input_dropout=0.5,
    variance_preserving_init=True,
    scale_user_vectors=True,
    ema_decay=0.9,
)
"""Every option of the training that is off by default."""

EVERY_KIND = {
    "siamese": siamese(*ALL),
    "siamese, masked": siamese("text", masking=0.5),
    "siamese, permuted": siamese("meta", "audio", features="permuted"),
    "siamese on ratings": Experiment("siamese on ratings", 0, settings=tiny.SETTINGS),
    "siamese on ratings, masked": Experiment(
        "siamese on ratings", 0, masking=0.5, settings=tiny.SETTINGS
    ),
    "siamese, remedied": replace(siamese("text", "meta"), settings=REMEDIED),
    "siamese on ratings, remedied": Experiment("siamese on ratings", 0, settings=REMEDIED),
    "siamese on ratings, refitted": Experiment(
        "siamese on ratings", 0, settings=tiny.SETTINGS, refit=True
    ),
    **{model: Experiment(model, 0) for model in grid.TRIVIAL},
    "item kNN": Experiment("item kNN", 0),
    "matrix factorisation": Experiment("matrix factorisation", 0),
    "FM: ids": Experiment("FM: ids", 0),
    "FM: ids and users": Experiment("FM: ids and users", 0),
    "FM: content": Experiment("FM: content", 0, ("text", "meta")),
    "FM: content, permuted": Experiment("FM: content", 0, ("text", "meta"), features="permuted"),
    "FM: hybrid": Experiment("FM: hybrid", 0, ALL),
}
"""Under the clean protocol, on the first warm fold."""
