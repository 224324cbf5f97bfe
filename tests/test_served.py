"""The served model: new films as if they had stood in the catalogue, users as they are known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mmrec.errors import StudyError
from mmrec.models.content_kernels import columns
from mmrec.models.pair_priors import content_kernels
from mmrec.models.pair_process import PairProcess
from mmrec.recommending import blocks, learning, storing
from mmrec.recommending.people import Person, without
from mmrec.recommending.served import EVERYBODY, KINDS, TASTE
from mmrec.recommending.storing import Film, Model
from tests import served_models, tiny, training_data
from tests.served_models import CONFIG, N_NEW, PLAIN, chosen, data, tables


def vectors_of_new(served, *, lacking: int = 0):
    new = tiny.movie_ids()[-N_NEW:]
    return {
        name: blocks.vectors_of(tables(lacking), new, name, block.columns.shape[1])
        for name, block in served.blocks.items()
    }


@pytest.mark.parametrize("lacking", [0, N_NEW])
def test_a_film_that_is_added_is_as_if_it_had_stood_in_the_catalogue(lacking):
    there = learning.refit(PLAIN, data(lacking=lacking), chosen())
    served = learning.refit(PLAIN, data(lacking=lacking, known_only=True), chosen())
    added = served.added(vectors_of_new(served, lacking=lacking), N_NEW)
    np.testing.assert_allclose(added.shared, there.shared, atol=1e-7)
    for kind in KINDS:
        np.testing.assert_allclose(
            added.covariances[kind].total, there.covariances[kind].total, atol=1e-7
        )
    np.testing.assert_allclose(added.cross, there.cross, atol=1e-7)
    assert np.abs(there.covariances[TASTE].change).max() > 1e-3  # the ratings have moved it
    for one in (there, added):
        assert one.covariances[EVERYBODY].total[-1, -1] > 0
    films = np.arange(len(added.movies))
    np.testing.assert_allclose(
        added.everybodys_ratings(films), there.everybodys_ratings(films), atol=1e-6
    )


def test_the_axes_place_a_film_where_its_twin_is():
    """Coordinates are those of the catalogue's axes: a copy of a film has the film's own."""
    served = served_models.served()
    copies = {
        name: blocks.vectors_of(tables(), tiny.movie_ids()[:2], name, block.columns.shape[1])
        for name, block in served.blocks.items()
    }
    added = served.added(copies, 2)
    np.testing.assert_allclose(added.coordinates[-2:], served.coordinates[:2], atol=1e-5)
    assert np.ptp(served.coordinates[:, 1:], axis=0).min() > 0.1


def test_blocks_are_those_of_the_kernels():
    given = training_data.usual()
    found = blocks.blocks_of(given, ("text", "meta"))
    expected = columns(given, ("text", "meta"))
    kernels = content_kernels(given, ("text", "meta"), filled=True)
    assert list(found) == list(kernels)
    for name, block in found.items():
        np.testing.assert_allclose(block.columns, expected[name].values, atol=1e-6)
        rows = block.rows(block.columns, block.present)
        np.testing.assert_allclose(rows.between, kernels[name], atol=1e-5)
        np.testing.assert_allclose(rows.own, kernels[name].diagonal(), atol=1e-5)


def test_the_covariances_are_made_of_their_kernels():
    """What a new film's row is computed from gives, for films that are there, what is there."""
    served = served_models.served()
    for one in served.covariances.values():
        made = one.prior + one.prior @ one.change @ one.prior
        np.testing.assert_allclose(made, one.total, atol=1e-9)


def test_users_are_predicted_as_the_process_predicts_them():
    given = data()
    served = learning.refit(CONFIG, given, chosen())
    model = PairProcess(CONFIG).fit(given, seed=0, chosen=chosen())
    films = np.arange(len(served.movies))
    np.testing.assert_allclose(
        served.everybodys_ratings(films), model.score(served.users, served.movies), atol=1e-9
    )
    for user in served.users[:4]:
        rated, ratings = served.own_ratings(user)
        person = Person(served.known_user(user), rated, ratings)
        pairs = pd.DataFrame({"user_id": user, "movie_id": served.movies})
        np.testing.assert_allclose(person.predictions, model.predict(pairs), atol=1e-8)
        np.testing.assert_allclose(person.sds, model.predictive_sd(pairs), atol=1e-8)


def test_a_users_prior_is_what_all_others_leave():
    """The quick ways to its covariance are the textbook's, written with whole matrices."""
    served = served_models.served()
    user = int(served.users[3])
    rated, ratings = served.own_ratings(user)
    prior, every = served.known_user(user), np.arange(len(served.movies))
    traits, where = served.traits[3], served.coordinates
    d, p = served.effects.shape
    cross = np.einsum("d,mdp->mp", traits, served.cross.reshape(-1, d, p))
    inner = np.einsum("d,dpeq,e->pq", traits, served.inner.reshape(d, p, d, p), traits)
    shared = served.covariances[EVERYBODY].total + cross @ where.T + where @ cross.T
    shared = shared + where @ inner @ where.T
    taste = served.covariances[TASTE].total
    alone = (taste - shared)[np.ix_(rated, rated)] + served.noise * np.eye(len(rated))
    put_back = shared[:, rated] @ np.linalg.solve(alone, shared[rated])
    expected = shared + put_back + taste

    np.testing.assert_allclose(prior.variance(every), expected.diagonal(), atol=1e-9)
    others = np.array([0, 7, 12, 30])
    for at in (rated, rated.copy(), others):
        np.testing.assert_allclose(prior.covariance(every, at), expected[:, at], atol=1e-9)
        np.testing.assert_allclose(prior.covariance(at, at), expected[np.ix_(at, at)], atol=1e-9)
        some = np.linspace(-1, 2, len(at))
        np.testing.assert_allclose(prior.applied(at, some), expected[:, at] @ some, atol=1e-9)

    own = expected[np.ix_(rated, rated)] + served.noise * np.eye(len(rated))
    left = expected - expected[:, rated] @ np.linalg.solve(own, expected[rated])
    person, sds = Person(prior, rated, ratings), np.sqrt(left.diagonal())
    np.testing.assert_allclose(person.sds_of(others), person.sds[others], atol=1e-12)
    correlation = left / np.outer(sds, sds)
    np.testing.assert_allclose(
        person.correlation(others), correlation[np.ix_(others, others)], atol=1e-9
    )


def test_a_visitor_is_a_user_of_whom_nothing_was_known():
    """A user without traits, whose ratings taught nobody anything, is predicted as a visitor."""
    given = data()
    nobody = replace(
        given, users=pd.concat([given.users, given.users.iloc[[0]].assign(user_id=99)])
    )
    config = replace(CONFIG, demographics=False)
    served = learning.refit(config, nobody, chosen())
    known, visitor = served.known_user(99), served.visitor()
    at = np.array([3, 7])
    np.testing.assert_allclose(known.mean, visitor.mean, atol=1e-12)
    every = np.arange(len(served.movies))
    np.testing.assert_allclose(known.variance(every), visitor.variance(every), atol=1e-12)
    np.testing.assert_allclose(
        known.covariance(every, at), visitor.covariance(every, at), atol=1e-12
    )


def test_a_visitors_prediction_is_the_textbooks():
    served = served_models.served()
    rated, ratings = np.array([1, 5, 9, 20]), np.array([5.0, 1, 4, 3])
    person = Person(served.visitor(), rated, ratings)
    prior = served.covariances[EVERYBODY].total + served.covariances[TASTE].total
    mean = served.mean + served.shared
    solved = np.linalg.solve(prior[np.ix_(rated, rated)] + served.noise * np.eye(4), prior[rated])
    np.testing.assert_allclose(
        person.predictions, mean + solved.T @ (ratings - mean[rated]), atol=1e-9
    )
    variance = prior.diagonal() - (prior[rated] * solved).sum(axis=0) + served.noise
    np.testing.assert_allclose(person.sds**2, variance, atol=1e-9)


@pytest.mark.parametrize("user", [None, 7])
def test_contributions_add_up_and_differences_are_what_is_left_without(user):
    served = served_models.served()
    if user is None:
        person = Person(served.visitor(), np.array([2, 4, 11]), np.array([5.0, 2, 4]))
    else:
        person = Person(served.known_user(user), *served.own_ratings(user))
    films = np.arange(len(served.movies))
    total = person.prior.mean + person.contributions(films).sum(axis=1)
    np.testing.assert_allclose(total, person.predictions, atol=1e-9)
    differences = person.differences(films)
    for place in range(len(person.rated)):
        moved = person.predictions - without(person, [place]).predictions
        np.testing.assert_allclose(differences[:, place], moved, atol=1e-9)
    assert np.abs(differences).max() > 0.01


def test_somebody_without_ratings_is_predicted_what_was_expected():
    served = served_models.served()
    nobody = Person(served.visitor(), np.zeros(0, np.intp), np.zeros(0))
    np.testing.assert_array_equal(nobody.predictions, served.mean + served.shared)


def test_a_user_that_is_not_there_is_told():
    served = served_models.served()
    with pytest.raises(StudyError, match=r"no user 4711.*1 to 30"):
        served.known_user(4711)


def test_a_tenth_is_held_out_half_of_it_films_as_a_whole():
    ratings = tiny.ratings()
    films = pd.Series(tiny.movie_ids(), tiny.movie_ids())
    divided = learning.divide(ratings, films)
    held, kept = divided.validation, divided.train
    assert len(held) + len(kept) == len(ratings)
    assert len(held) == pytest.approx(len(ratings) / 10, abs=len(ratings) / 20)
    new = ~held["movie_id"].isin(kept["movie_id"])
    assert 0 < new.sum() <= len(ratings) / 20
    assert (~new).sum() == pytest.approx(len(ratings) / 20, abs=1)


def test_what_errors_of_a_films_ratings_have_in_common_is_the_error_of_their_mean():
    rng = np.random.default_rng(0)
    number = rng.integers(1, 30, 2000)
    movie = np.repeat(np.arange(2000), number)
    residual = rng.normal(0, 0.4, 2000)[movie] + rng.normal(0, 0.9, len(movie))
    assert learning.mean_error(movie, residual) == pytest.approx(0.4, abs=0.02)
    assert learning.mean_error(np.arange(5), np.ones(5)) == 0
    assert learning.mean_error(np.array([1, 1]), np.array([1.0, -1.0])) == 0


# --- the files ----------------------------------------------------------------------------------


@pytest.fixture
def saved(tmp_path):
    served = served_models.served()
    films = tuple(
        Film(int(one), int(one), f"Film =<b>{one}</b>", 1990 if one % 2 else None, ("Drama",))
        for one in served.movies
    )
    model = Model(served, films, {"facts: genres": ("a", "b")}, {"state": "x"})
    storing.save(model, tmp_path)
    return model, tmp_path


def test_a_model_comes_back_as_it_was_saved(saved):
    model, folder = saved
    found = storing.load(folder)
    assert (found.films, found.facts, found.about) == (model.films, model.facts, model.about)
    rated, ratings = np.array([1, 5]), np.array([5.0, 1])
    before, after = (
        Person(one.served.visitor(), rated, ratings).predictions for one in (model, found)
    )
    np.testing.assert_allclose(after, before, atol=1e-5)
    assert storing.about(folder) == {"state": "x"}


def test_files_of_two_models_are_not_taken_for_one(saved):
    model, folder = saved
    description = (folder / storing.DESCRIPTION).read_bytes()
    other = replace(model.served, noise=model.served.noise + 1)
    storing.save(replace(model, served=other), folder)
    (folder / storing.DESCRIPTION).write_bytes(description)
    with pytest.raises(StudyError, match="not of one model"):
        storing.load(folder)
    assert storing.about(folder) is None


def test_a_model_of_another_version_is_to_be_trained_again(saved):
    _, folder = saved
    path = folder / storing.DESCRIPTION
    path.write_bytes(path.read_bytes().replace(b'"format": 1', b'"format": 0'))
    with pytest.raises(StudyError, match=r"of another version.*Train it"):
        storing.load(folder)
    assert storing.about(folder) is None


@pytest.mark.parametrize("name", [storing.ARRAYS, storing.DESCRIPTION])
def test_a_damaged_or_missing_file_is_told(saved, name):
    _, folder = saved
    (folder / name).write_bytes((folder / name).read_bytes()[:50])
    with pytest.raises(StudyError, match="no model that can be read"):
        storing.load(folder)
    assert storing.about(folder) is None
    (folder / name).unlink()
    with pytest.raises(StudyError, match="no model yet"):
        storing.load(folder)
    assert storing.about(folder) is None


def test_where_a_model_comes_from_is_told_without_its_arrays(saved):
    """All but the file's end is there: its head tells that it was cut short."""
    _, folder = saved
    path = folder / storing.ARRAYS
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert storing.about(folder) is None
    path.write_bytes(whole[:-100_000] + bytes(100_000))
    assert storing.about(folder) == {"state": "x"}
