"""The two towers: both regressions against textbook formulas, what is new, what is hidden."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from mmrec.errors import StudyError
from mmrec.features.table import FeatureTable
from mmrec.models.twin_towers import TwinTowersConfig
from mmrec.models.twin_towers_inputs import content, people, rated, view
from mmrec.models.twin_towers_network import LINEAR, TwinTowers, rate
from tests import tiny, training_data

CONFIG = TwinTowersConfig(("text", "meta"), epochs=2)
USERS, MOVIES = pd.Index(training_data.PEOPLE["user_id"]), training_data.MOVIES
SEEN = tiny.ratings().iloc[:400]


def network(**changes) -> TwinTowers:
    """Untrained, but for a few weights that are zero at first."""
    data = training_data.usual()
    made = TwinTowers(
        content(data, CONFIG.content, 5),
        people(data.users),
        len(MOVIES),
        3.4,
        replace(LINEAR, taste_width=6, **changes),
        torch.Generator().manual_seed(0),
    )
    with torch.no_grad():
        for weights in (made.identity, made.groups):
            weights.copy_(0.1 * torch.randn(weights.shape, generator=made.generator))
    return made.eval()


def predictions(model) -> np.ndarray:
    return model.predict(training_data.every_pair())


def test_ratings_come_by_user_whatever_their_order():
    found = rated(SEEN.sample(frac=1, random_state=1), USERS, MOVIES)
    rows = torch.tensor([7, 0, 20])
    movie, rating, there = found.of_users(rows)
    for row, *of_one in zip(rows.tolist(), movie, rating, there, strict=True):
        own = SEEN[SEEN["user_id"] == USERS[row]].sort_values("movie_id")
        at, stars, known = (part.numpy() for part in of_one)
        assert MOVIES[at[known]].tolist() == own["movie_id"].tolist()
        assert stars[known].tolist() == own["rating"].tolist()
        assert not stars[~known].any()


def test_parts_of_content_have_one_length_and_are_zero_where_missing():
    data = training_data.usual()
    found = content(data, ("text", "meta"), 5)
    assert {name: part.shape[1] for name, part in found.items()} == {
        "text: text": 5,
        "meta: triples": 5,
        "meta: genres": 3,
        "meta: director": 2,
        "meta: rating": 12,
    }
    present = data.table("meta").matrix(MOVIES)[1]
    trained = MOVIES.isin(data.train["movie_id"])
    for number, name in enumerate(tiny.META_PARTS):
        part, known = found[f"meta: {name}"].numpy(), present[:, number]
        assert not part[~known].any()
        assert (part[known & trained] ** 2).sum(axis=1).mean() == pytest.approx(1, rel=1e-5)


def test_what_a_movie_is_worth_is_kriging():
    """Against a Gaussian process on the movies' means, with its covariances in full."""
    model, seen = network(), view(SEEN, SEEN, USERS, MOVIES)
    shown = np.arange(len(MOVIES)) % 4 > 0
    with torch.no_grad():
        found = model.movies(seen, torch.from_numpy(shown))
    scaled = (model.content * model.log_part.exp()[model.part]).detach().numpy().astype(float)
    own, noise = model.log_movie_sd.exp().item() ** 2, model.log_noise_sd.exp().item() ** 2
    number, mean = seen.number.numpy().astype(float), seen.mean.numpy().astype(float)
    assert (number > 0).all()
    by_content = scaled @ scaled.T
    among = by_content[np.ix_(shown, shown)] + np.diag(own + noise / number[shown])
    weights = np.linalg.solve(among, mean[shown])
    promise = by_content[:, shown] @ weights
    trust = number / (number + model.log_damping.exp().item())
    known = (promise + trust * (mean - promise))[shown]
    assert found.promise.numpy()[~shown] - 3.4 == pytest.approx(promise[~shown], abs=1e-4)
    assert found.promise.numpy()[shown] - 3.4 == pytest.approx(known, abs=1e-4)


def test_a_user_is_a_ridge_regression_on_encoded_movies_around_the_groups():
    model, seen = network(), view(SEEN, SEEN, USERS, MOVIES)
    rows = torch.tensor([3, 11])
    with torch.no_grad():
        movies = model.movies(seen, torch.ones(len(MOVIES), dtype=torch.bool))
        found = model.users(movies, seen, rows, torch.tensor([True, True])).numpy()
        prior = (model.people[rows] @ model.groups).numpy()
    for row, taste, start in zip(rows.tolist(), found, prior, strict=True):
        own = SEEN[SEEN["user_id"] == USERS[row]]
        at = MOVIES.get_indexer(own["movie_id"])
        rows_of_movies = movies.taste.numpy()[at].astype(float)
        left = own["rating"] - movies.worth.numpy()[at] - rows_of_movies @ start
        gram = rows_of_movies.T @ rows_of_movies + np.eye(7)
        assert taste == pytest.approx(
            start + np.linalg.solve(gram, rows_of_movies.T @ left), abs=1e-4
        )


def test_what_is_hidden_has_no_influence():
    """A movie's ratings where it is treated as new, a user's where he or she is."""
    model, seen = network(), view(SEEN, SEEN, USERS, MOVIES)
    movie, user = 5, 2
    shown = torch.arange(len(MOVIES)) != movie
    liked = seen._replace(mean=torch.where(shown, seen.mean, 1.5))
    profiles = seen.profiles
    mine = torch.arange(len(SEEN)).clamp(profiles.start[user], profiles.start[user + 1] - 1)
    rating = profiles.rating.clone()
    rating[mine] = 6 - rating[mine]
    turned = seen._replace(profiles=profiles._replace(rating=rating))
    with torch.no_grad():
        first, second = (model.movies(some, shown) for some in (seen, liked))
        assert torch.equal(first.promise, second.promise)
        assert second.worth[movie] - first.worth[movie] > 0.5
        known, unknown = (
            [model.users(first, some, torch.tensor([user]), torch.tensor([met])) for some in views]
            for met, views in ((True, (seen, turned)), (False, (seen, turned)))
        )
    assert torch.equal(*unknown)
    assert not torch.allclose(*known, atol=0.1)


def test_a_rating_is_the_sum_of_its_terms():
    model, seen = network(), view(SEEN, SEEN, USERS, MOVIES)
    with torch.no_grad():
        movies = model.movies(seen, torch.ones(len(MOVIES), dtype=torch.bool))
        users = model.users(movies, seen, torch.arange(30), torch.ones(30, dtype=torch.bool))
        found = rate(users, movies, torch.tensor([4]), torch.tensor([9])).item()
    assert found == pytest.approx((movies.promise[9] + users[4] @ movies.taste[9]).item())


def cold_world(relevant: bool) -> tuple:
    """Ratings of 60 users for 80 movies made of content; the last 20 are new, 10 validate."""
    rng = np.random.default_rng(3)
    ids = np.arange(1, 81)
    vectors = rng.normal(size=(80, 4))
    taste = rng.normal(0, 0.5, (60, 4))
    worth = vectors @ [0.5, -0.3, 0, 0]
    user, movie = np.nonzero(rng.random((60, 80)) < 0.7)
    rating = 3 + worth[movie] + (taste[user] * vectors[movie]).sum(axis=1)
    rating = rating + rng.normal(0, 0.3, len(user))
    frame = pd.DataFrame({"user_id": user + 1, "movie_id": ids[movie], "rating": rating})
    shown = vectors if relevant else rng.normal(size=(80, 4))
    table = FeatureTable("t", ids, shown.astype(np.float32), {})
    train, validation, test = (
        frame[frame["movie_id"].between(*ends)] for ends in ((1, 50), (51, 60), (61, 80))
    )
    data = training_data.of(
        train,
        validation,
        {"t": table},
        movies=pd.Index(ids),
        users=pd.DataFrame(
            {"user_id": np.arange(1, 61), "age": 30, "gender": "F", "occupation": "none"}
        ),
    )
    return data, test


def test_taste_for_content_carries_over_to_new_movies():
    errors = {}
    for relevant in (True, False):
        data, test = cold_world(relevant)
        model = TwinTowersConfig(("t",), epochs=8).build().fit(data, seed=0)
        errors[relevant] = np.sqrt(((model.predict(test) - test["rating"]) ** 2).mean())
    assert errors[True] < 0.5
    assert errors[False] > 0.9


def test_new_users_of_the_same_groups_are_the_same():
    ratings = tiny.ratings()
    known = ratings[ratings["user_id"] > 6]
    # 1 and 2 differ in gender; everybody is of one age and occupation.
    data = training_data.of(
        known.iloc[:-80],
        known.iloc[-80:],
        users=training_data.PEOPLE.assign(age=30, occupation="none"),
    )
    found = predictions(CONFIG.build().fit(data, seed=0)).reshape(30, -1)
    assert found[0] == pytest.approx(found[2])
    assert found[0] != pytest.approx(found[1], abs=1e-6)


def test_profiles_as_published_are_those_of_the_test_part():
    data, pairs = training_data.usual(), training_data.every_pair()
    published = replace(
        data, views=data.views[-1:], train=data.train.assign(view=0), test_views=data.validation
    )
    other = replace(published, test_views=data.validation.assign(rating=3))
    chosen = {"identity_dropout": 0.1, "epochs": 2}
    first, second = (
        CONFIG.build().fit(some, seed=0, chosen=chosen).predict(pairs)
        for some in (published, other)
    )
    assert not np.allclose(first, second)


def test_a_hidden_layer_changes_what_is_learned():
    data = training_data.usual()
    deep = replace(CONFIG, towers=replace(LINEAR, hidden=4))
    found = predictions(deep.build().fit(data, seed=0))
    assert np.isfinite(found).all()
    assert not np.allclose(found, predictions(CONFIG.build().fit(data, seed=0)))


def test_without_any_content_there_are_biases():
    table = FeatureTable("t", [2], np.ones((1, 1), np.float32), {})
    ratings = tiny.ratings()
    data = training_data.of(ratings.iloc[:-80], ratings.iloc[-80:], {"t": table})
    grid = predictions(TwinTowersConfig(("t",), epochs=2).build().fit(data, seed=0)).reshape(30, -1)
    assert grid - grid[:1] == pytest.approx((grid - grid[:1])[:, :1].repeat(40, axis=1), abs=1e-5)
    assert grid.std() > 0.1


def test_early_stopping_keeps_the_best_epoch_of_the_best_share():
    config = replace(CONFIG, epochs=6, patience=1, learning_rate=0.3)
    record = (model := config.build().fit(training_data.usual(), seed=0)).record
    assert [tried["identity_dropout"] for tried in record["tuning"]] == [0.5, 0.1]
    assert record["validation_rmse"] == min(tried["validation_rmse"] for tried in record["tuning"])
    scores = [epoch["validation_rmse"] for epoch in record["history"]]
    assert scores[model.chosen["epochs"] - 1] == min(scores) == record["validation_rmse"]
    assert len(scores) <= model.chosen["epochs"] + 1


def test_the_towers_name_the_id_that_they_do_not_know():
    model = CONFIG.build().fit(training_data.usual(), seed=0)
    with pytest.raises(StudyError, match="user_id 999 is unknown"):
        model.predict(pd.DataFrame({"user_id": [1, 999], "movie_id": [2, 2]}))
