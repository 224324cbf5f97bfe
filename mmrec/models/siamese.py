"""The paper's network (§V.B-D): modular encoders, a shared Siamese stem, a rating predictor."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

ENCODING = 200
"""Width of one modality's encoding."""

ENCODER_LAYERS = {
    "video": ((1600, nn.Sigmoid), (500, nn.Sigmoid)),
    "audio": ((256, nn.LeakyReLU),),
    "text": ((100, nn.LeakyReLU),),
    "meta": ((100, nn.LeakyReLU),),
}
"""Hidden layers of each modality's encoder; a modality not named here is encoded as meta is."""


def dense(width: int, *layers: tuple[int, type[nn.Module]]) -> nn.Sequential:
    """Fully connected layers ``width -> layers[0] -> ...``, each followed by its activation."""
    modules = []
    for out, activation in layers:
        modules += [nn.Linear(width, out), activation()]
        width = out
    return nn.Sequential(*modules)


class SiameseRecommender(nn.Module):
    """Predicts the rating a user gives a movie from their feature vectors.

    Users and movies are encoded apart from each other, so that a batch of ratings needs one
    pass per *distinct* user and movie; :meth:`rate` then works on pairs. The widths of the user
    encoder's output and of the Siamese input are 200 per modality (800 for all four).

    Args:
        movie_widths: Length of each modality's feature vector, e.g. ``{"text": 384}``.
        user_width: Length of a user's vector (1,220 for the mean meta vector).
    """

    def __init__(self, movie_widths: Mapping[str, int], user_width: int):
        super().__init__()
        width = ENCODING * len(movie_widths)
        self.movie_encoders = nn.ModuleDict(
            {
                modality: dense(
                    features,
                    *ENCODER_LAYERS.get(modality, ENCODER_LAYERS["meta"]),
                    (ENCODING, nn.LeakyReLU),
                )
                for modality, features in movie_widths.items()
            }
        )
        # The paper says nothing of movies that lack a modality: a learned vector stands in.
        self.missing = nn.ParameterDict(
            {modality: nn.Parameter(torch.zeros(ENCODING)) for modality in movie_widths}
        )
        self.user_encoder = dense(user_width, (1024, nn.Sigmoid), (width, nn.LeakyReLU))
        self.siamese = dense(width, (512, nn.LeakyReLU), (256, nn.LeakyReLU), (100, nn.LeakyReLU))
        self.rating_predictor = nn.Sequential(
            dense(200, (164, nn.LeakyReLU), (50, nn.LeakyReLU)), nn.Linear(50, 1)
        )

    def encode_users(self, users: Tensor) -> Tensor:
        """``S_U`` [n, 100] of user vectors [n, user_width]."""
        return self.siamese(self.user_encoder(users))

    def encode_movies(
        self, features: Mapping[str, Tensor], present: Mapping[str, Tensor]
    ) -> Tensor:
        """``S_I`` [n, 100] of movies.

        Args:
            features: Modality -> [n, width].
            present: Modality -> bool [n]; where false, the learned vector stands in.
        """
        encodings = [
            torch.where(
                present[modality][:, None], encoder(features[modality]), self.missing[modality]
            )
            for modality, encoder in self.movie_encoders.items()
        ]
        return self.siamese(torch.cat(encodings, dim=1))

    def rate(self, users: Tensor, movies: Tensor) -> Tensor:
        """Predicted ratings [n] of encoded pairs, ``S_U`` and ``S_I`` [n, 100]; not clipped."""
        return self.rating_predictor(torch.cat([users, movies], dim=1)).squeeze(1)
