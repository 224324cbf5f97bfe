"""The served model: new films as if they had stood in the catalogue, users as they are known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mmrec.errors import StudyError
from mmrec.models.content_kernels import completed
from mmrec.models.pair_priors import content_kernels
from mmrec.models.pair_process import PairProcess
from mmrec.recommending import answers, blocks, learning, people, storing, told, users
from mmrec.recommending.lists import Wish
from mmrec.recommending.people import Person, Visitor, without
from mmrec.recommending.served import EVERYBODY, KINDS, TASTE
from mmrec.recommending.storing import Film, Model
from mmrec.recommending.users import User
from tests import served_models, textbook, tiny, training_data
from tests.served_models import CONFIG, N_NEW, NEW, NONE, PLAIN, chosen, data, tables

FACTOR = users._factor


def vectors_of_new(served, lacking=NONE):
    new = tiny.movie_ids()[-N_NEW:]
    return {
        name: blocks.vectors_of(tables(lacking), new, name, block.columns.shape[1])
        for name, block in served.blocks.items()
    }


@pytest.mark.parametrize(
    "lacking",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"rating": NEW}, id="a number, which is not guessed"),
        pytest.param({"text": NEW}, id="what all others have"),
        pytest.param({"text": [2, 5, 9, *NEW], "rating": [4, *NEW]}, id="what others lack too"),
        pytest.param({"text": NEW, "genres": [3, *NEW]}, id="all but a number"),
        pytest.param({"text": NEW, "genres": NEW, "rating": NEW}, id="everything"),
    ],
)
def test_a_film_that_is_added_is_as_if_it_had_stood_in_the_catalogue(lacking):
    there = learning.refit(PLAIN, data(lacking=lacking), chosen())
    served = learning.refit(PLAIN, data(lacking=lacking, known_only=True), chosen())
    added = served.added(vectors_of_new(served, lacking), N_NEW)
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


def test_each_new_film_is_guessed_from_what_it_has_itself():
    """Whatever each lacks, and at once or one after the other: there is no guess of guesses."""
    lacking = {"text": [1, 6, NEW[0]], "genres": [8, NEW[1]], "rating": [6, NEW[1], NEW[2]]}
    given = data(lacking=lacking)
    there = blocks.blocks_of(given, CONFIG.content)
    expected = completed(given, CONFIG.content)
    kernels = content_kernels(given, CONFIG.content, filled=True)
    served = learning.refit(PLAIN, data(lacking=lacking, known_only=True), chosen())
    vectors = vectors_of_new(served, lacking)
    at_once, one_by_one = served.added(vectors, N_NEW), served
    for place in range(N_NEW):
        own = {name: (rows[[place]], has[[place]]) for name, (rows, has) in vectors.items()}
        one_by_one = one_by_one.added(own, 1)
    for name, block in there.items():
        for added in (at_once, one_by_one):
            found = added.blocks[name]
            np.testing.assert_allclose(found.columns, expected[name].values, atol=1e-6)
            np.testing.assert_array_equal(found.present, block.present)
            apart = ~np.eye(len(found.present), dtype=bool)
            among = found.among(found.columns, found.present)
            np.testing.assert_allclose(among[apart], kernels[name][apart], atol=1e-5)
            assert [found.is_guessed(film) for film in range(len(block.present))] == [
                name != "facts: rating" and not has for has in block.present
            ]


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


@pytest.mark.parametrize("names", [("text", "meta"), ("text",)])
def test_blocks_are_those_of_the_kernels(names):
    given = training_data.usual()
    found = blocks.blocks_of(given, names)
    expected = completed(given, names)
    kernels = content_kernels(given, names, filled=True)
    assert list(found) == list(kernels)
    for name, block in found.items():
        values, present = expected[name]
        np.testing.assert_array_equal(block.present, present)
        np.testing.assert_allclose(block.columns, values, atol=1e-6)
        np.testing.assert_allclose(block.among(values, present), kernels[name], atol=1e-9)
        of = block.of(np.arange(len(present)))
        there = np.outer(present, present) | ~np.eye(len(present), dtype=bool)
        np.testing.assert_allclose(of[there], kernels[name][there], atol=1e-5)
    assert not found["text: text"].present.all()
    assert any(block.columns[~block.present].any() for block in found.values()) == (len(names) > 1)


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
        person = User(served, served.place_of(user))
        pairs = pd.DataFrame({"user_id": user, "movie_id": served.movies})
        np.testing.assert_allclose(person.predictions, model.predict(pairs), atol=1e-8)
        np.testing.assert_allclose(person.sds_of(films), model.predictive_sd(pairs), atol=1e-8)


def test_a_user_is_answered_as_the_textbook_does():
    """What the fit has left and two factors give what whole matrices give."""
    served = served_models.served()
    every, others = np.arange(len(served.movies)), np.array([0, 7, 12, 30])
    for place in (3, 11):
        person = User(served, place)
        book = textbook.user(served, int(served.users[place]))
        assert len(person.rated) > 3
        np.testing.assert_array_equal(person.rated, book.rated)
        np.testing.assert_allclose(person.coefficients, book.coefficients, atol=1e-9)
        np.testing.assert_allclose(person.predictions, book.predictions, atol=1e-9)
        np.testing.assert_allclose(person.expected(others), book.expected(others), atol=1e-9)
        np.testing.assert_allclose(person.sds_of(every), book.sds, atol=1e-9)
        for asked in ("contributions", "differences", "correlation"):
            for films in (others, person.rated, every):
                found, told = (getattr(one, asked)(films) for one in (person, book))
                np.testing.assert_allclose(found, told, atol=1e-9)


def test_what_a_rating_adds_beyond_everybody_is_what_content_adds():
    """Rows of the kernels times the weights: exact for a film that is nothing but its content."""
    served = replace(served_models.served(), traits=np.zeros_like(served_models.served().traits))
    person, films = User(served, 3), np.array([1, 20])
    weights = person.weights(np.diag(person.coefficients))
    found = sum(served.covariances[kind].prior[films] @ weights[kind] for kind in KINDS)
    np.testing.assert_allclose(found, person.contributions(films), atol=1e-9)
    whole = person.weights(person.coefficients[:, None])
    for kind in KINDS:
        np.testing.assert_allclose(whole[kind][:, 0], weights[kind].sum(axis=1), atol=1e-9)


def test_a_users_list_takes_two_small_factors(monkeypatch):
    """Nothing larger than the user's ratings is factorised, and each of the two once."""
    made, served = served_models.model(), served_models.served()
    person, solved = User(served, 3), []

    def factor(matrix):
        solved.append(matrix.shape)
        return FACTOR(matrix)

    monkeypatch.setattr(users, "_factor", factor)
    for name in ("solve", "inv", "cholesky", "eigh", "eigvalsh", "svd", "lstsq", "pinv"):
        monkeypatch.setattr(np.linalg, name, lambda *_, **__: pytest.fail("solved otherwise"))
    for name in ("cholesky", "dtrtri"):
        monkeypatch.setattr(people, name, lambda *_, **__: pytest.fail("as a visitor"))
    found = answers.recommended(made, person, Wish(10, popularity=0.3))
    told.list_of(made, person, found)
    told.list_data(made, person, found)
    assert len(found) == 10
    n = len(person.rated)
    assert solved == [(n, n)] * 2


def test_whether_a_user_would_like_a_film_takes_one_factor(monkeypatch):
    """The users to whom a film is recommended are asked how sure their ratings are, no more."""
    made, solved = served_models.model(), []
    monkeypatch.setattr(users, "_factor", lambda matrix: solved.append(1) or FACTOR(matrix))
    answers.reception(made, 4, top=3)
    assert len(solved) == 3


def test_a_visitor_is_a_user_of_whom_nothing_was_known():
    """A user without traits, whose ratings taught nobody anything, is predicted as a visitor."""
    given = data()
    nobody = replace(
        given, users=pd.concat([given.users, given.users.iloc[[0]].assign(user_id=99)])
    )
    config = replace(CONFIG, demographics=False)
    served = learning.refit(config, nobody, chosen())
    nothing = np.zeros(0)
    visitor = Visitor(served.visitor(), nothing.astype(np.intp), nothing)
    known, every = User(served, served.place_of(99)), np.arange(len(served.movies))
    assert not len(known.rated)
    np.testing.assert_allclose(known.predictions, visitor.predictions, atol=1e-12)
    np.testing.assert_allclose(known.expected(every), visitor.expected(every), atol=1e-12)
    np.testing.assert_allclose(known.sds_of(every), visitor.sds, atol=1e-12)
    np.testing.assert_allclose(known.correlation(every), visitor.correlation(every), atol=1e-12)
    assert known.contributions(every).shape == known.differences(every).shape == (len(every), 0)


def test_a_visitors_prediction_is_the_textbooks():
    served = served_models.served()
    rated, ratings = np.array([1, 5, 9, 20]), np.array([5.0, 1, 4, 3])
    person = Visitor(served.visitor(), rated, ratings)
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
        book = Visitor(served.visitor(), np.array([2, 4, 11]), np.array([5.0, 2, 4]))
        person: Person = book
    else:
        book = textbook.user(served, user)
        person = User(served, served.place_of(user))
    films = np.arange(len(served.movies))
    total = person.expected(films) + person.contributions(films).sum(axis=1)
    np.testing.assert_allclose(total, person.predictions, atol=1e-9)
    differences = person.differences(films)
    for place in range(len(person.rated)):
        moved = person.predictions - without(book, [place]).predictions
        np.testing.assert_allclose(differences[:, place], moved, atol=1e-9)
    assert np.abs(differences).max() > 0.01


def test_somebody_without_ratings_is_predicted_what_was_expected():
    served = served_models.served()
    nobody = Visitor(served.visitor(), np.zeros(0, np.intp), np.zeros(0))
    np.testing.assert_array_equal(nobody.predictions, served.mean + served.shared)


def test_a_user_that_is_not_there_is_told():
    served = served_models.served()
    with pytest.raises(StudyError, match=r"no user 4711.*1 to 30"):
        served.place_of(4711)


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
        Visitor(one.served.visitor(), rated, ratings).predictions for one in (model, found)
    )
    np.testing.assert_allclose(after, before, atol=1e-5)
    assert storing.about(folder) == {"state": "x"}


def test_a_model_that_was_saved_guesses_as_before(saved):
    model, folder = saved
    vectors = vectors_of_new(model.served, {"text": NEW})
    before, after = (
        one.served.added(vectors, N_NEW).blocks["text: text"]
        for one in (model, storing.load(folder))
    )
    assert all(before.is_guessed(film) for film in range(-N_NEW, 0))
    np.testing.assert_array_equal(after.columns, before.columns)
    np.testing.assert_array_equal(after.taught_by, before.taught_by)


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
    other = path.read_text(encoding="utf-8").replace('"format": 3', '"format": 2')
    path.write_text(other, encoding="utf-8")
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
