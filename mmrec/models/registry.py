"""Models by name, for those who choose one by name; each name stands for a configuration."""

from mmrec.errors import StudyError
from mmrec.models.base import Config
from mmrec.models.biases import BiasConfig
from mmrec.models.factorisation_machine import FactorisationMachineConfig
from mmrec.models.item_knn import ItemKNNConfig
from mmrec.models.matrix_factorisation import MatrixFactorisationConfig
from mmrec.models.means import MeanConfig
from mmrec.models.rating_vectors import RatingVectorsConfig
from mmrec.models.siamese import SiameseConfig

MODELS: dict[str, Config] = {
    "global-mean": MeanConfig(),
    "user-mean": MeanConfig("user"),
    "movie-mean": MeanConfig("movie"),
    "biases": BiasConfig(),
    "item-knn": ItemKNNConfig(),
    "matrix-factorisation": MatrixFactorisationConfig(),
    "fm-ids": FactorisationMachineConfig(),
    "fm-ids-users": FactorisationMachineConfig(demographics=True, implicit=True),
    "fm-content": FactorisationMachineConfig(
        item_ids=False, demographics=True, implicit=True, content=("facts",)
    ),
    "fm-hybrid": FactorisationMachineConfig(demographics=True, implicit=True, content=("facts",)),
    "siamese": SiameseConfig(("video", "audio", "text", "meta")),
    "rating-vectors": RatingVectorsConfig(),
}
"""Configurations as in the reference run."""


def config(name: str) -> Config:
    """The configuration that a name stands for.

    >>> config("user-mean")
    MeanConfig(of='user')

    Raises:
        StudyError: There is no such model; the message lists the names.
    """
    if name not in MODELS:
        raise StudyError(
            f"unknown model {name!r}",
            where="models",
            remedy=f"Choose from {', '.join(MODELS)}.",
        )
    return MODELS[name]
