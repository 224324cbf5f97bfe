"""Two towers on content that each end in a ridge regression instead of in more layers.

The movies' tower turns content into what a movie is worth to everybody and into a vector of taste;
the users' tower reads the movies that a user has rated *through the movies' tower* and solves for
what this user makes of such vectors. Both regressions have a closed form that gradients pass
through, so that the towers learn to be good at telling ratings that were hidden from them
(:cite:t:`bertinetto2019closed` learn features for few-shot classification in this way). A new user
is no special case, and a new movie is one whose regression has nothing but content to go by.

With linear encoders it is close to a Gaussian process over pairs whose movie kernels are learned.
A hidden layer has not made it better on validation ratings, of new films or of known ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from mmrec.models.twin_towers_inputs import View


@dataclass(frozen=True)
class TowerSettings:
    """What the towers are like.

    Attributes:
        taste_width: Length of a vector of taste.
        hidden: Units of a hidden layer beside the linear encoder of taste; 0 for none.
        input_dropout: Share of the content hidden from the encoder of taste in training.
        encoder_penalty: Pull of that encoder towards where it started, at principal directions.
        identity_penalty: Pull of the movies' own additions to their vectors of taste towards zero.
        group_penalty: Pull of what groups of people have in common towards zero.
    """

    taste_width: int = 48
    hidden: int = 0
    input_dropout: float = 0.4
    encoder_penalty: float = 1000.0
    identity_penalty: float = 300.0
    group_penalty: float = 100.0


LINEAR = TowerSettings()
"""Without a hidden layer."""

SIGNAL = 0.15
"""Variance, in squared stars, that content and taste are thought to explain before training."""

USER_SD = 0.45
"""Standard deviation of the users' biases before training."""

MOVIE_SD = 0.4
"""Standard deviation of what a movie's content does not say of its worth, before training."""

DAMPING = 6.0
"""Ratings at which a movie's own mean counts as much as its content, before training."""

HIDDEN_SCALE = 3.0
"""Lets content of length 1 reach the hidden units at about the scale of their weights."""


class Movies(NamedTuple):
    """What the movies' tower says.

    Attributes:
        worth: What each movie is worth to everybody, by its content and ratings, float32 [m].
        promise: The same of movies whose identity is hidden, by their content alone.
        taste: float32 [m, 1 + k], the first column for the user's bias.
    """

    worth: Tensor
    promise: Tensor
    taste: Tensor


class TwinTowers(nn.Module):
    """See the module.

    Args:
        content: Parts of the content, float32 [m, d_part] each, zero where missing.
        people: Flags of the users, float32 [n_users, d].
        n_movies: m.
        mean: Mean training rating.
        settings: What the towers are like.
        generator: Of the initial weights and of what is hidden in training.
    """

    content: Tensor
    part: Tensor
    people: Tensor
    start: Tensor

    def __init__(
        self,
        content: Mapping[str, Tensor],
        people: Tensor,
        n_movies: int,
        mean: float,
        settings: TowerSettings,
        generator: torch.Generator,
    ):
        super().__init__()
        self.settings, self.generator = settings, generator
        one = torch.ones(n_movies, 1)
        widths = torch.tensor([*(part.shape[1] for part in content.values()), 1])
        self.register_buffer("content", torch.cat([*content.values(), one], dim=1))
        self.register_buffer("part", torch.arange(len(widths)).repeat_interleave(widths))
        self.register_buffer("people", people)
        start = _principal(self.content[:, :-1], settings.taste_width) * SIGNAL**0.5
        self.register_buffer("start", start)
        k = start.shape[1]
        self.mean = nn.Parameter(torch.tensor(mean))
        self.encoder = nn.Parameter(start.clone())
        self.identity = nn.Parameter(torch.zeros(n_movies, k))
        self.log_part = nn.Parameter(torch.tensor(SIGNAL).log().repeat(len(widths)))
        self.log_movie_sd = nn.Parameter(torch.tensor(MOVIE_SD).log())
        self.log_noise_sd = nn.Parameter(torch.tensor(0.0))
        # Apart from the noise, which serves new movies: these want other weights than known ones.
        self.log_damping = nn.Parameter(torch.tensor(DAMPING).log())
        self.log_user_sd = nn.Parameter(torch.tensor(USER_SD).log())
        self.log_taste = nn.Parameter(torch.tensor(0.0))
        self.groups = nn.Parameter(torch.zeros(people.shape[1], 1 + k))
        if settings.hidden:
            first = torch.randn(len(start), settings.hidden, generator=generator)
            self.hidden = nn.Parameter(first / max(len(start), 1) ** 0.5)
            self.hidden_out = nn.Parameter(torch.zeros(settings.hidden, k))

    def slow(self) -> list[nn.Parameter]:
        """The parameters that may come to know movies by heart; the others are few."""
        deep = [self.hidden, self.hidden_out] if self.settings.hidden else []
        return [self.encoder, self.identity, *deep]

    def movies(self, view: View, shown: Tensor) -> Movies:
        """The movies' tower.

        Args:
            view: Which ratings may be seen.
            shown: bool [m], the movies that are known by more than their content.
        """
        shown = shown & (view.number > 0)
        noise, own = (2 * self.log_noise_sd).exp(), (2 * self.log_movie_sd).exp()
        scaled = self.content * self.log_part.exp()[self.part]
        # A movie's mean rating is its worth, and noise that is the smaller the more ratings.
        precision = shown / (own + noise / view.number.clamp(min=1))
        weighted = (scaled * precision[:, None]).T
        promise = scaled @ _ridge(weighted @ scaled, weighted @ view.mean)
        trust = view.number / (view.number + self.log_damping.exp())
        worth = promise + trust * (view.mean - promise)
        taste = self._taste() + self.identity * shown[:, None]
        bias = self.log_user_sd.exp().expand(len(taste), 1)
        return Movies(
            self.mean + worth,
            self.mean + torch.where(shown, worth, promise),
            torch.cat([bias, taste * self.log_taste.exp()], dim=1),
        )

    def _taste(self) -> Tensor:
        content = self.content[:, :-1]
        if self.training and self.settings.input_dropout:
            keep = 1 - self.settings.input_dropout
            drawn = torch.rand(content.shape, generator=self.generator) < keep
            content = content * drawn / keep
        taste = content @ self.encoder
        if self.settings.hidden:
            hidden = functional.gelu(HIDDEN_SCALE * content @ self.hidden)
            taste = taste + hidden @ self.hidden_out
        return taste

    def users(self, movies: Movies, view: View, rows: Tensor, shown: Tensor) -> Tensor:
        """The users' tower: the posterior mean of what users make of vectors of taste.

        Args:
            movies: What the movies' tower says.
            view: Which ratings may be seen.
            rows: Positions of users, int64 [b].
            shown: bool [b], the users who are known by more than their groups.

        Returns:
            float32 [b, 1 + k].
        """
        movie, rating, there = view.profiles.of_users(rows)
        there = there & shown[:, None]
        flat = movies.taste.index_select(0, movie.flatten())
        taste = flat.view(*movie.shape, -1) * there[..., None]
        prior = self.people[rows] @ self.groups
        left = (rating - movies.worth[movie]) * there - (taste @ prior[..., None]).squeeze(2)
        across = taste.transpose(1, 2)
        return prior + _ridge(across @ taste, (across @ left[..., None]).squeeze(2))

    def penalty(self) -> Tensor:
        """What the parameters' distance from their priors costs, in squared stars."""
        settings = self.settings
        cost = settings.encoder_penalty * ((self.encoder - self.start) ** 2).sum()
        cost = cost + settings.identity_penalty * (self.identity**2).sum()
        if settings.hidden:
            cost = cost + settings.encoder_penalty * (self.hidden_out**2).sum()
        return cost + settings.group_penalty * (self.groups**2).sum()


def rate(users: Tensor, movies: Movies, user: Tensor, movie: Tensor) -> Tensor:
    """Ratings [n] of pairs: positions in what the towers say of users [b, 1 + k] and movies."""
    taste = users.index_select(0, user) * movies.taste.index_select(0, movie)
    return movies.promise.index_select(0, movie) + taste.sum(dim=1)


def _ridge(gram: Tensor, right: Tensor) -> Tensor:
    """Solves (gram + 1) x = right, [..., d, d] and [..., d]."""
    factor = torch.linalg.cholesky(gram + torch.eye(gram.shape[-1]))
    solved: Tensor = torch.cholesky_solve(right[..., None], factor)
    return solved.squeeze(-1)


def _principal(content: Tensor, width: int) -> Tensor:
    """The leading principal directions [d, at most width], for rows of mean square length 1."""
    directions = torch.linalg.svd(content, full_matrices=False)[2][:width].T
    scaled: Tensor = directions / ((content @ directions) ** 2).sum(dim=1).mean().sqrt().clamp(1e-6)
    return scaled
