"""The served model's answers for its users, written with whole matrices as a textbook does."""

import numpy as np

from mmrec.recommending.people import Visitor
from mmrec.recommending.served import EVERYBODY, TASTE, Prior, Served
from mmrec.recommending.users import User


def user(served: Served, user_id: int) -> Visitor:
    """A user as a visitor of whom is expected what all others leave: nothing learned is used.

    What the user's own ratings have told of the covariance of what all users have in common is
    taken out again, and then they are looked at as a visitor's.
    """
    asked = User(served, served.place_of(user_id))
    rated, ratings = asked.rated, asked.ratings
    traits, where = served.traits[asked.place], served.coordinates
    d, p = served.effects.shape
    cross = np.einsum("d,mdp->mp", traits, served.cross.reshape(-1, d, p))
    inner = np.einsum("d,dpeq,e->pq", traits, served.inner.reshape(d, p, d, p), traits)
    shared = served.covariances[EVERYBODY].total + cross @ where.T + where @ cross.T
    shared = np.asarray(shared + where @ inner @ where.T, np.float64)
    taste = np.asarray(served.covariances[TASTE].total, np.float64)
    alone = (taste - shared)[np.ix_(rated, rated)] + served.noise * np.eye(len(rated))
    put_back = shared[:, rated] @ np.linalg.inv(alone)
    mean = served.mean + served.shared + where @ served.effects.T @ traits
    mean = mean - put_back @ (ratings - mean[rated])
    return Visitor(prior(mean, served.noise, shared + put_back @ shared[rated] + taste), rated,
                   ratings)  # fmt: skip


def prior(mean: np.ndarray, noise: float, covariance: np.ndarray) -> Prior:
    """Of whole matrices: a mean [m] and a covariance [m, m]."""
    return Prior(
        mean,
        noise,
        lambda films: covariance[films, films],
        lambda films, at: covariance[np.ix_(films, at)],
        lambda at, coefficients: covariance[:, at] @ coefficients,
        lambda at, coefficients: {},
    )
