"""Models by name, for those who choose one by name; each name stands for a configuration."""

from mmrec.errors import StudyError
from mmrec.models.base import Config
from mmrec.models.biases import BiasConfig
from mmrec.models.content_ease import ContentEaseConfig
from mmrec.models.content_kernel_ridge import ContentKernelRidgeConfig
from mmrec.models.content_likes import ContentLikesConfig
from mmrec.models.content_ridge import ContentRidgeConfig
from mmrec.models.factorisation_machine import FactorisationMachineConfig
from mmrec.models.implicit import BPR, LIGHTGCN, EaseConfig, ImplicitFactorsConfig
from mmrec.models.item_knn import ItemKNNConfig
from mmrec.models.matrix_factorisation import MatrixFactorisationConfig
from mmrec.models.means import MeanConfig
from mmrec.models.pair_process import PairProcessConfig
from mmrec.models.rating_vectors import RatingVectorsConfig
from mmrec.models.same_list import MostPopularConfig, SortedConfig
from mmrec.models.siamese import SiameseConfig
from mmrec.models.straight_line import StraightLineConfig
from mmrec.models.twin_towers import TwinTowersConfig

_CONTENT = ("facts-unrated", "text")

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
    "straight-line": StraightLineConfig(),
    "content-ridge": ContentRidgeConfig(_CONTENT),
    "content-kernel-ridge": ContentKernelRidgeConfig(_CONTENT),
    "twin-towers": TwinTowersConfig((*_CONTENT, "video", "audio")),
    "pair-process": PairProcessConfig(_CONTENT),
    "most-popular": MostPopularConfig(),
    "imdb-rating": SortedConfig("imdb", "rating"),
    "imdb-votes": SortedConfig("imdb", "votes"),
    "ease": EaseConfig(),
    "ials": ImplicitFactorsConfig(),
    "bpr": BPR,
    "lightgcn": LIGHTGCN,
    "content-likes": ContentLikesConfig(_CONTENT),
    "content-ease": ContentEaseConfig(_CONTENT),
}
"""Configurations as in the reference run; those from ``most-popular`` on only rank."""


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
