"""The description of an experiment, and the hash that its result is kept under."""

import hashlib
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import pandas as pd

from mmrec import hardware
from mmrec.errors import StudyError
from mmrec.evaluation.folds import fold_of
from mmrec.evaluation.protocols import PROTOCOLS
from mmrec.experiments.data import Data
from mmrec.models.base import Config
from mmrec.provenance import code_digest, digest

EXECUTION = "mmrec.experiments.execution"
"""The module that runs an experiment: with all that it imports, the code behind every result."""

Features = Literal["real", "permuted"]


@dataclass(frozen=True)
class Experiment:
    """One model to fit and to score.

    Attributes:
        model: The model's configuration.
        seed: Random seed of the validation part, the cross-fitted parts, the mask and the model.
        features: ``"real"``, or ``"permuted"`` for the control.
        protocol: Name in :data:`~mmrec.evaluation.protocols.PROTOCOLS`.
        fold: Name in :data:`~mmrec.evaluation.folds.FOLDS`.
        masking: Share of the ratings hidden from the models' inputs, 0 to just under 1.
        support_size: Ratings given back of each new film or user of a cold fold; None outside
            learning curves.
        refit: Whether the model is fitted a second time, on the validation ratings as well, with
            the settings that they chose in the first.

    Raises:
        StudyError: A name is unknown, the masking is no share, or there are no validation ratings
            to refit on.
    """

    model: Config
    seed: int
    features: Features = "real"
    protocol: str = "clean"
    fold: str = "u1"
    masking: float = 0.0
    support_size: int | None = None
    refit: bool = False

    def __post_init__(self) -> None:
        for key, value, known in (
            ("features", self.features, get_args(Features)),
            ("protocol", self.protocol, PROTOCOLS),
        ):
            if value not in known:
                raise _wrong(f"unknown {key} {value!r}", f"Choose from {', '.join(known)}.")
        fold_of(self.fold)
        if not 0 <= self.masking < 1:
            raise _wrong(
                f"masking {self.masking} is no share of the ratings",
                "Give a number from 0 to just under 1, such as 0.5.",
            )
        if self.refit and PROTOCOLS[self.protocol].selected_on_test:
            raise _wrong(
                f"{self.protocol!r} leaves no validation ratings to refit on",
                "Refit under a protocol that selects on validation ratings.",
            )

    @property
    def item_features(self) -> tuple[str, ...]:
        """Names of the feature tables that represent a movie.

        They are all that the model reads, unless its configuration names them apart from those
        that users are made of, as ``modalities``.
        """
        found: tuple[str, ...] = getattr(self.model, "modalities", self.model.features)
        return found

    @property
    def model_name(self) -> str:
        """The kind of model, for tables."""
        return name_of(type(self.model))


def name_of(config: type[Config]) -> str:
    """What tables call a kind of model: its configuration's class without the suffix."""
    return config.__name__.removesuffix("Config")


def _wrong(what: str, remedy: str) -> StudyError:
    return StudyError(what, where="experiment", remedy=remedy)


def experiment_hash(experiment: Experiment, data: Data) -> str:
    """Name of an experiment's result, 16 hexadecimal digits.

    It depends on the description, on the catalogue's and the features' content, on the code and
    libraries of the model and of the evaluation, and on the device and its number format.

    Raises:
        StudyError: A feature table that the model reads is not there.
    """
    kind = type(experiment.model)
    described: dict[str, Any] = {
        **asdict(experiment),
        "model": [kind.__module__, kind.__qualname__, asdict(experiment.model)],
        "catalogue": [_content(part) for part in (data.ratings, data.films, data.users)],
        "tables": {name: data.table(name).digest for name in experiment.model.features},
        "code": code_digest(kind.__module__, EXECUTION),
        "precision": _precision(),
    }
    return digest(described)


def _precision() -> str:
    """Device and number format of trainings: results differ in their last digits."""
    device = hardware.device()
    return f"{device.type} {hardware.fast_dtype(device)}"


def _content(table: pd.DataFrame | pd.Series) -> str:
    # Row by row, with the positions: folds and random parts depend on both.
    hashes = pd.util.hash_pandas_object(table).to_numpy()
    return hashlib.sha256(hashes.tobytes()).hexdigest()
