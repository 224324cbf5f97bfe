"""Lists: no film twice, none that is rated, as asked for, and less alike when that is wanted."""

import numpy as np
import pandas as pd
import pytest

from mmrec.recommending import answers, lists
from mmrec.recommending.lists import Wish
from tests import served_models

PLAIN = Wish(top=8, diversity=0.0)


@pytest.fixture(scope="module")
def model():
    return served_models.model()


@pytest.fixture(scope="module")
def person(model):
    return answers.visitor(model, {3: 5.0, 9: 1.0})


def films(model, person, wish):
    everything = np.arange(len(model.films))
    return lists.listed(person, model.served, model.films, wish, among=everything)


def test_a_list_is_in_the_order_of_predictions(model, person):
    found = films(model, person, PLAIN)
    assert len(found) == 8
    assert not {3, 9} & set(found)
    ratings = person.predictions[found]
    assert (np.diff(ratings) <= 0).all()
    others = np.setdiff1d(np.arange(len(model.films)), [*found, 3, 9])
    assert ratings.min() >= person.predictions[others].max()


def test_two_ids_of_a_film_are_listed_once_and_not_at_all_when_one_is_rated(model):
    from dataclasses import replace

    twins = list(model.films)
    twins[5] = replace(twins[5], film_id=twins[4].film_id)
    both = replace(model, films=tuple(twins))
    whole = Wish(top=40, diversity=0.0)
    assert len({4, 5} & set(films(both, answers.visitor(both, {3: 5.0}), whole))) == 1
    assert not {4, 5} & set(films(both, answers.visitor(both, {5: 5.0}), whole))


@pytest.mark.parametrize(
    ("wish", "fits"),
    [
        (Wish(genres=["Comedy"]), lambda film: "Comedy" in film.genres),
        (Wish(years=(1990, None)), lambda film: film.year is not None and film.year >= 1990),
        (Wish(years=(None, 1985)), lambda film: film.year is not None and film.year <= 1985),
    ],
)
def test_filters(model, person, wish, fits):
    found = films(model, person, Wish(top=40, genres=wish.genres, years=wish.years))
    expected = {place for place, film in enumerate(model.films) if fits(film)} - {3, 9}
    assert expected
    assert set(found) == expected


def test_popular_films_come_first_if_popularity_is_all(model, person):
    found = films(model, person, Wish(top=5, popularity=1000.0, diversity=0.0))
    counts = model.served.counts
    assert min(counts[found]) >= np.sort(np.delete(counts, [3, 9]))[-5]


def test_diversity_makes_the_listed_films_less_alike(model, person):
    def alike(diversity):
        found = np.array(films(model, person, Wish(top=6, diversity=diversity)))
        correlation = person.correlation(found)
        return correlation[np.triu_indices(len(found), 1)].mean()

    assert alike(1.0) < alike(0.0)


def test_each_place_goes_to_the_best_of_what_is_left():
    score = np.array([3.0, 2.9, 2.0])
    correlation = np.array([[1, 0.99, 0], [0.99, 1, 0], [0, 0, 1.0]])
    assert lists.diversified(score, correlation, 0.0, 3) == [0, 1, 2]
    assert lists.diversified(score, correlation, 1.0, 3) == [0, 2, 1]
    assert lists.diversified(score, correlation, 1.0, 1) == [0]


def one_like_each(*, liked_film, n_users):
    """Users of films 0 to 3: all have seen 4, and like the same one; 0 and 1 are popular."""
    seen = [(user, 4) for user in range(n_users)]
    seen += [(user, film) for user in range(1000, 1098) for film in (0, 1)]
    seen += [(2000, 2), (2000, 3)]
    train = pd.DataFrame(seen, columns=["user_id", "movie_id"])
    likes = {"user_id": range(n_users), "movie_id": liked_film, "rating": 5}
    return train, pd.DataFrame(likes)


@pytest.mark.parametrize("n_users", [50, 700])
def test_the_weight_of_popularity_is_the_smallest_that_will_do(n_users):
    movies, asked = pd.Index(range(5)), []

    def score(users):
        asked.append(len(users))
        return np.tile([3.0, 3.0, 3.3, 3.3, 9.0], (len(users), 1))

    popular = one_like_each(liked_film=0, n_users=n_users)
    found = lists.best_popularity(score, *popular, movies)
    assert found == 0.2  # the two kinds are 0.3 stars apart, and nearly two deviations
    assert sum(asked) == n_users  # nobody twice, and nobody without a like
    assert max(asked) <= 256
    rare = one_like_each(liked_film=2, n_users=n_users)
    assert lists.best_popularity(score, *rare, movies) == 0.0


def test_only_likes_of_films_that_others_were_learned_from_count():
    train, likes = one_like_each(liked_film=0, n_users=3)
    new = likes.assign(movie_id=7)
    disliked = likes.assign(rating=3)
    for nothing in (new, disliked, likes.iloc[:0]):
        found = lists.best_popularity(lambda _: pytest.fail("asked"), train, nothing,
                                      pd.Index(range(8)))  # fmt: skip
        assert found == 0.0


def test_ndcg_is_that_of_a_list():
    scores = np.array([[3.0, 2, 1, 0], [0, 1, 2, 3.0]])
    liked = np.array([[True, False, False, False], [True, False, False, False]])
    assert lists.ndcg(scores, liked) == pytest.approx((1 + 1 / np.log2(5)) / 2)
