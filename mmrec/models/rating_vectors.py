"""The Siamese network on rating vectors in place of content (paper §VI.E)."""

from dataclasses import dataclass

from mmrec.models.network import NetworkRecommender
from mmrec.models.training import DENOISING, TrainingSettings
from mmrec.models.user_vectors import rating_inputs


@dataclass(frozen=True)
class RatingVectorsConfig:
    """Users are represented by rows of the rating matrix, movies by columns; zero is "not rated".

    Attributes:
        training: How to train.
    """

    training: TrainingSettings = DENOISING

    @property
    def features(self) -> tuple[str, ...]:
        """Empty: the model reads ratings alone."""
        return ()

    def build(self) -> NetworkRecommender:
        """An untrained network."""
        return NetworkRecommender(rating_inputs, self.training)
