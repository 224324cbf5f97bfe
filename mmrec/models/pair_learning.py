"""Learning the covariances of a Gaussian process over pairs by their marginal likelihood.

Two steps. *Variances* of named parts, such as one kernel for each block of content, are scaled by
a majorise-minimise update :cite:p:`zhou2019mm`: no step size, no gradient, and the likelihood
rises with each. *The taste covariance as a whole* is what users, as draws from one Gaussian, have
in common; expectation-maximisation makes it the mean of what each user's ratings say of it
:cite:p:`yu2009fast`. Starting from content it moves where ratings ask for it, and as it does so
for directions of content, films without a rating move along. Several such steps are taken at once
(:data:`STRIDE`), which is no longer sure to raise the likelihood, and :func:`scaled` leaves its
maximum on purpose: the validation ratings choose both.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from mmrec.models.pair_inference import (
    Covariances,
    Floats,
    Observations,
    Posterior,
    infer,
)

STRIDE = 3
"""Steps of expectation-maximisation that an update of the taste covariance takes at once, with the
statistics of the first: the covariance stays positive definite, and fewer posteriors are needed."""

FLOOR = 1e-7
"""No variance falls below it: at zero it could not rise again."""

Variances = dict[str, float]


@dataclass(frozen=True)
class Parts:
    """Named parts that the covariances are weighted sums of.

    Attributes:
        shared: Covariances of f, float64 [m, m] each.
        taste: Covariances of a user's own taste, float64 [m, m] each.
        effects: Groups of trait effects: float64 [d * p] each, 1 where an effect is of the group.
    """

    shared: Mapping[str, Floats]
    taste: Mapping[str, Floats]
    effects: Mapping[str, Floats]

    def start(self) -> Variances:
        """Variances to begin with: a star's worth in all, divided among the parts."""
        start = {"noise": 0.65}
        start |= {f"shared: {name}": 0.2 / len(self.shared) for name in self.shared}
        start |= {f"taste: {name}": 0.35 / len(self.taste) for name in self.taste}
        return start | {f"effects: {name}": 0.01 for name in self.effects}

    def covariances(self, variances: Mapping[str, float]) -> Covariances:
        """The sums."""
        return Covariances(
            noise=variances["noise"],
            shared=_sum("shared", self.shared, variances),
            taste=_sum("taste", self.taste, variances),
            effects=_sum("effects", self.effects, variances),
        )


def _sum(kind: str, parts: Mapping[str, Floats], variances: Mapping[str, float]) -> Floats:
    names = iter(parts)
    first = next(names, None)
    if first is None:
        return np.zeros(0)
    total = variances[f"{kind}: {first}"] * parts[first]
    for name in names:
        total += variances[f"{kind}: {name}"] * parts[name]
    return total


def learn_variances(seen: Observations, parts: Parts, rounds: int) -> Variances:
    """The variances of the parts after some rounds of updates.

    Args:
        seen: The ratings to learn from.
        parts: What the covariances are made of.
        rounds: Updates; the first five bring most of the gain.

    Raises:
        StudyError: A covariance matrix is not positive definite.
    """
    variances = parts.start()
    for _ in range(rounds):
        found = infer(seen, parts.covariances(variances)).statistics
        ratios = {"noise": found.noise_fit / found.noise_spread}
        for kind, some, fit, spread in (
            ("shared", parts.shared, found.shared_fit, found.shared_spread),
            ("taste", parts.taste, found.taste_fit, found.taste_spread),
            ("effects", parts.effects, found.effects_fit, found.effects_spread),
        ):
            ratios |= {
                f"{kind}: {name}": _ratio(float(np.vdot(part, fit)), float(np.vdot(part, spread)))
                for name, part in some.items()
            }
        variances = {
            name: max(value * float(np.sqrt(ratios[name])), FLOOR)
            for name, value in variances.items()
        }
    return variances


def _ratio(fit: float, spread: float) -> float:
    # A part that no rating bears on, such as that of a block no rated movie has, stays as it is.
    return float(fit / spread) if spread > 0 else 1.0


def scaled(variances: Variances, belief: float) -> Variances:
    """The same variances, those of content in what a movie is worth to everybody times a factor."""
    kept = {"shared: level", "shared: identity"}
    return {
        name: value * (belief if name.startswith("shared: ") and name not in kept else 1)
        for name, value in variances.items()
    }


def ascent(posterior: Posterior) -> Floats:
    """S, symmetric [m, m]: a step of expectation-maximisation takes the tastes' T to T + T S T."""
    found, n_users = posterior.statistics, len(posterior.observations.raters)
    slope = (found.taste_fit - found.taste_spread) / n_users
    return np.asarray((slope + slope.T) / 2)


def updated(posterior: Posterior) -> Posterior:
    """The posterior after :data:`STRIDE` steps of expectation-maximisation of the tastes."""
    prior = posterior.covariances
    growth = ascent(posterior) @ prior.taste
    growth[np.diag_indices_from(growth)] += 1
    taste = prior.taste @ np.linalg.matrix_power(growth, STRIDE)
    return infer(posterior.observations, replace(prior, taste=(taste + taste.T) / 2))
