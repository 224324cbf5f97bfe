"""The paper's model: the Siamese network on the content of movies (§V)."""

from dataclasses import dataclass
from functools import partial

from mmrec.models.network import NetworkRecommender
from mmrec.models.training import REFERENCE, TrainingSettings
from mmrec.models.user_vectors import content_inputs


@dataclass(frozen=True)
class SiameseConfig:
    """Movies are represented by feature vectors, users by means over the movies they liked.

    Attributes:
        modalities: Names of the feature tables that represent a movie.
        user_vectors_from: Name of the feature table that user vectors are made of; the paper
            takes ``meta``.
        training: How to train.
    """

    modalities: tuple[str, ...]
    user_vectors_from: str = "meta"
    training: TrainingSettings = REFERENCE

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the feature tables that it reads."""
        return tuple(sorted({*self.modalities, self.user_vectors_from}))

    def build(self) -> NetworkRecommender:
        """An untrained network."""
        inputs = partial(
            content_inputs,
            modalities=self.modalities,
            user_vectors_from=self.user_vectors_from,
        )
        return NetworkRecommender(inputs, self.training)
