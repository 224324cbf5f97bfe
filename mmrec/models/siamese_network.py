"""The paper's network (§V.B-D): modular encoders, a shared Siamese stem, a rating predictor."""

from collections.abc import Mapping
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

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


class HiddenInputs(nn.Module):
    """Dropout for wide inputs, in which one random byte decides about each number.

    It does what :class:`torch.nn.Dropout` does, for shares in steps of 1/256: 0.8 becomes 205/256,
    which is 0.801. PyTorch draws a random number of four bytes or more for each element, which
    takes a third of a training step with rating vectors; here, one draw of 64 bits serves eight
    elements.

    Args:
        share: Share of the numbers hidden in training, rounded to a multiple of 1/256. The
            others are scaled up so that the mean stays.
    """

    def __init__(self, share: float):
        super().__init__()
        self.bound = min(round(256 * share), 255)

    def forward(self, values: Tensor) -> Tensor:
        """Values [...], some of them zero; as they are outside training."""
        if not (self.training and self.bound):
            return values
        words = torch.empty(-(-values.numel() // 8), dtype=torch.int64, device=values.device)
        drawn = words.random_(-(2**63), None).view(torch.uint8)[: values.numel()]
        kept = torch.ge(drawn.view(values.shape), self.bound, out=torch.empty_like(values))
        return values * kept.mul_(256 / (256 - self.bound))


class SiameseNetwork(nn.Module):
    """Predicts the rating a user gives a movie from their feature vectors.

    Users and movies are encoded apart from each other, so that a batch of ratings needs one
    pass per *distinct* user and movie. So does the rating predictor's first layer, a sum of a
    user's and a movie's half; :meth:`rate` then works on pairs. The widths of the user encoder's
    output and of the Siamese input are 200 per modality (800 for all four).

    Args:
        movie_widths: Length of each modality's feature vector, e.g. ``{"text": 384}``.
        user_width: Length of a user's vector (1,220 for the mean meta vector).
        input_dropout: Share of the users' and movies' input numbers hidden in training.
    """

    def __init__(
        self, movie_widths: Mapping[str, int], user_width: int, input_dropout: float = 0.0
    ):
        super().__init__()
        self.hidden_inputs = HiddenInputs(input_dropout)
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
            *dense(200, (164, nn.LeakyReLU), (50, nn.LeakyReLU)), nn.Linear(50, 1)
        )

    def variance_preserving_init(self) -> None:
        """Draws the weights anew so that signals keep their variance from layer to layer.

        He's initialisation before a leaky rectifier, Glorot's before a sigmoid, biases zero.
        PyTorch's own default makes signals smaller in every layer: after encoder and stem, users
        and movies hardly differ, and training is slow to tell them apart.
        """
        for layers in self.modules():
            if not isinstance(layers, nn.Sequential):
                continue
            for layer, activation in pairwise(layers):
                if isinstance(layer, nn.Linear):
                    if isinstance(activation, nn.LeakyReLU):
                        nn.init.kaiming_normal_(layer.weight, activation.negative_slope)
                    else:
                        nn.init.xavier_normal_(layer.weight)
                    nn.init.zeros_(layer.bias)
        nn.init.normal_(self._linear(-1).weight, std=0.02)

    def start_at(self, rating: Tensor) -> None:
        """Lets every prediction begin at a rating, so that no epoch is spent on finding it."""
        with torch.no_grad():
            self._linear(-1).bias.fill_(rating)

    def _linear(self, place: int) -> nn.Linear:
        layer = self.rating_predictor[place]
        assert isinstance(layer, nn.Linear)
        return layer

    def encode_users(self, users: Tensor) -> Tensor:
        """``S_U`` [n, 100] of user vectors [n, user_width]."""
        stem: Tensor = self.siamese(self.user_encoder(self.hidden_inputs(users)))
        return stem

    def encode_movies(self, features: Mapping[str, Tensor], at: Mapping[str, Tensor]) -> Tensor:
        """``S_I`` [n, 100] of movies.

        Args:
            features: Modality -> [n_known, width], of movies that have it; n_known may differ.
            at: Modality -> int64 [n], where each movie's features are among them; ``n_known`` for
                a movie without, which gets the learned vector.
        """
        encodings = []
        for modality, encoder in self.movie_encoders.items():
            encoded = encoder(self.hidden_inputs(features[modality]))
            # In the encoding's own number format: a wider one would be carried on from here.
            missing = self.missing[modality].to(encoded.dtype)
            encodings.append(torch.cat([encoded, missing[None]]).index_select(0, at[modality]))
        stem: Tensor = self.siamese(torch.cat(encodings, dim=1))
        return stem

    def halves(self, users: Tensor, movies: Tensor) -> tuple[Tensor, Tensor]:
        """What ``S_U`` [n, 100] and ``S_I`` [m, 100] add to the rating predictor's first layer.

        Returns:
            [n, 164] with the layer's bias, and [m, 164].
        """
        first = self._linear(0)
        of_users, of_movies = torch.split(first.weight, users.shape[1], dim=1)
        return (
            functional.linear(users, of_users, first.bias),
            functional.linear(movies, of_movies),
        )

    def rate(self, users: Tensor, movies: Tensor) -> Tensor:
        """Predicted ratings [n] of pairs, whose :meth:`halves` are given [n, 164]; not clipped."""
        ratings: Tensor = self.rating_predictor[1:](users + movies)
        return ratings.squeeze(1)
