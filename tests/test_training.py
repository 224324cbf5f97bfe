"""Training: losses worked out by hand, batches, the choice of the epoch, repeatability."""

import math
from dataclasses import replace

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import ShapeEnv
from torch.nn import functional

from mmrec import hardware
from mmrec.errors import StudyError
from mmrec.models import inputs as network_inputs
from mmrec.models import training
from mmrec.models.inputs import Inputs, Ratings
from mmrec.models.rating_scale import rmse
from mmrec.models.siamese_network import SiameseNetwork
from mmrec.models.training import TrainingSettings
from mmrec.settings import Settings

N_VIEWS, N_USERS, N_MOVIES = 4, 9, 14
SETTINGS = TrainingSettings(epochs=4, patience=4, batch_size=64)


def toy_inputs() -> Inputs:
    g = torch.Generator().manual_seed(3)
    return Inputs(
        users=torch.randn(N_VIEWS, N_USERS, 5, generator=g),
        movies={
            "text": torch.randn(1, N_MOVIES, 4, generator=g),
            "ratings": torch.randn(N_VIEWS, N_MOVIES, 6, generator=g),
        },
        present={
            "text": torch.rand(N_MOVIES, generator=g) < 0.7,
            "ratings": torch.ones(N_MOVIES, dtype=torch.bool),
        },
        rated=frozenset({"ratings"}),
    )


def toy_ratings(n: int = 60, seed: int = 1) -> Ratings:
    g = torch.Generator().manual_seed(seed)
    return Ratings(
        user=torch.randint(N_USERS, (n,), generator=g),
        movie=torch.randint(N_MOVIES, (n,), generator=g),
        rating=torch.randint(1, 6, (n,), generator=g).float(),
        view=torch.randint(N_VIEWS - 1, (n,), generator=g),
    )


def toy_model(input_dropout: float = 0.0) -> SiameseNetwork:
    torch.manual_seed(0)
    return SiameseNetwork({"text": 4, "ratings": 6}, 5, input_dropout)


def scripted(monkeypatch, scores: list[float]) -> None:
    """Lets each epoch's validation RMSE be what the test wants."""
    left = iter(scores)
    monkeypatch.setattr(training, "rmse", lambda prediction, rating: next(left))


def pad(monkeypatch, way) -> None:
    """Pads the rows of every batch in another way."""
    for module in (training, network_inputs):
        monkeypatch.setattr(module, "padded", way)


def weights(model: SiameseNetwork) -> torch.Tensor:
    return torch.cat([p.detach().ravel() for p in model.parameters()])


def test_the_losses_are_the_papers():
    """Every rating by itself, encoded alone, with the cosine written out."""
    model, inputs, ratings, view = toy_model(), toy_inputs(), toy_ratings(), 2
    squared, cosine = [], []
    for user, movie, rating in zip(ratings.user, ratings.movie, ratings.rating, strict=True):
        s_user = model.encode_users(inputs.users[view, user][None])
        features = {
            "text": inputs.movies["text"][0, movie][None],
            "ratings": inputs.movies["ratings"][view, movie][None],
        }
        at = {name: (~flags[movie]).long()[None] for name, flags in inputs.present.items()}
        s_movie = model.encode_movies(features, at)
        squared.append((model.rate(*model.halves(s_user, s_movie)) - rating) ** 2)
        angle = (s_user * s_movie).sum() / (s_user.norm() * s_movie.norm())
        # h = +1 for 4 and 5: pulled together; h = -1: pushed apart, down to a right angle.
        cosine.append(1 - angle if rating >= 4 else angle.clamp(min=0))
    found = training.losses(model, inputs, ratings, view)
    torch.testing.assert_close(found[0], torch.stack(squared).mean())
    torch.testing.assert_close(found[1], torch.stack(cosine).mean())


@pytest.mark.parametrize(("rating", "liked"), [(3.0, False), (4.0, True)])
def test_liked_begins_at_four(rating, liked):
    model, inputs = toy_model(), toy_inputs()
    one = Ratings(torch.tensor([0]), torch.tensor([1]), torch.tensor([rating]), torch.tensor([0]))
    cosine = functional.cosine_similarity(
        model.encode_users(inputs.users[0, :1]),
        model.encode_movies(*inputs.movies_of(0, torch.tensor([1]))),
    )
    _, found = training.losses(model, inputs, one, 0)
    torch.testing.assert_close(found, (1 - cosine if liked else cosine.clamp(min=0))[0])


@pytest.mark.parametrize("multiple", [1, 7, 128])
def test_rows_are_padded_behind(multiple):
    rows = torch.tensor([5, 2, 9, 0])
    found = network_inputs.padded(rows, multiple)
    assert torch.equal(found[:4], rows)
    assert len(found) == -(-4 // multiple) * multiple
    assert len(network_inputs.padded(rows[:0], multiple)) == 0


def test_a_movie_finds_its_own_features_and_one_without_finds_none():
    inputs, rows = toy_inputs(), torch.arange(N_MOVIES).flip(0)
    features, at = inputs.movies_of(1, rows)
    assert not inputs.present["text"].all()
    for name, vectors in inputs.movies.items():
        known = inputs.present[name][rows]
        shown = vectors[min(1, len(vectors) - 1), rows[known]]
        assert torch.equal(features[name][at[name][known]], shown)
        assert (at[name][~known] == len(features[name])).all()


def test_padding_changes_neither_loss_nor_gradient(monkeypatch):
    inputs, ratings, found = toy_inputs(), toy_ratings(), []
    padded = network_inputs.padded
    for multiple in (1, 128):
        pad(monkeypatch, lambda rows, m=multiple: padded(rows, m))
        model = toy_model()
        both = training.losses(model, inputs, ratings, 0)
        sum(both).backward()
        gradient = torch.cat([p.grad.ravel() for p in model.parameters()])
        found.append([*both, gradient])
    for without, padded_ in zip(*found, strict=True):
        torch.testing.assert_close(padded_, without)


def test_users_and_movies_of_a_batch_are_encoded_once(monkeypatch):
    pad(monkeypatch, lambda rows: rows)
    model, inputs, ratings = toy_model(), toy_inputs(), toy_ratings(500)
    counts = []
    for part in (model.siamese, model.movie_encoders["text"]):
        part.register_forward_hook(lambda _, inputs, __: counts.append(len(inputs[0])))
    training.losses(model, inputs, ratings, 0)
    assert counts == [N_USERS, inputs.present["text"].sum(), N_MOVIES]


@pytest.mark.parametrize("size", [1, 7, 20, 1000])
def test_an_epoch_has_every_rating_once_and_no_batch_mixes_views(size):
    ratings = toy_ratings()
    epoch = list(training.batches(ratings, size, torch.Generator().manual_seed(0)))
    rows = torch.cat([batch for _, batch in epoch])
    assert sorted(rows.tolist()) == list(range(len(ratings)))
    assert max(len(batch) for _, batch in epoch) <= size
    assert all((ratings.view[batch] == view).all() for view, batch in epoch)


def test_epochs_come_in_different_orders():
    ratings, generator = toy_ratings(), torch.Generator().manual_seed(0)
    first, second = (
        [batch.tolist() for _, batch in training.batches(ratings, 7, generator)] for _ in range(2)
    )
    assert first != second


def test_prediction_sees_the_full_view_alone():
    model, inputs, ratings = toy_model(), toy_inputs(), toy_ratings()
    before = training.predictor(model, inputs)(ratings.user, ratings.movie)
    for vectors in (inputs.users, inputs.movies["ratings"]):
        vectors[: inputs.full] += 1
    torch.testing.assert_close(
        training.predictor(model, inputs)(ratings.user, ratings.movie), before, rtol=0, atol=0
    )
    inputs.users[inputs.full] += 1
    assert (training.predictor(model, inputs)(ratings.user, ratings.movie) != before).any()


def test_training_learns():
    """Ratings that follow from the vectors are found, from batches of any view."""
    inputs, train = toy_inputs(), toy_ratings()
    inputs.users[:], inputs.movies["ratings"][:] = inputs.users[0], inputs.movies["ratings"][0]
    train.rating[:] = torch.where(inputs.users[0, train.user, 0] > 0, 5.0, 2.0)
    fit = training.fit(inputs, train, train, TrainingSettings(epochs=25, patience=25), 0)
    best = min(epoch["validation_rmse"] for epoch in fit.history)
    assert best < 0.5 * train.rating.std()
    assert fit.history[-1]["loss"] < 0.5 * fit.history[0]["loss"]


def test_the_same_seed_gives_the_same_model_and_another_seed_another():
    inputs, train, validation = toy_inputs(), toy_ratings(), toy_ratings(20, seed=2)
    one, same, other = (
        weights(training.fit(inputs, train, validation, SETTINGS, seed).model) for seed in (0, 0, 1)
    )
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_the_best_validation_epoch_is_kept(monkeypatch):
    inputs, train, validation = toy_inputs(), toy_ratings(), toy_ratings(20, seed=2)
    scripted(monkeypatch, [1.0, 0.8, 0.9, 0.85])
    kept = training.fit(inputs, train, validation, SETTINGS, 0)
    assert (kept.best_epoch, len(kept.history)) == (2, 4)
    scripted(monkeypatch, [1.0, 0.8])
    two = TrainingSettings(epochs=2, patience=4, batch_size=64)
    assert torch.equal(
        weights(kept.model), weights(training.fit(inputs, train, validation, two, 0).model)
    )


def test_the_history_tells_the_validation_error_of_the_kept_model():
    inputs, train, validation = toy_inputs(), toy_ratings(), toy_ratings(20, seed=2)
    long = TrainingSettings(epochs=12, patience=12, batch_size=64)
    fit = training.fit(inputs, train, validation, long, 0)
    told = [epoch["validation_rmse"] for epoch in fit.history]
    prediction = training.predictor(fit.model, inputs)(validation.user, validation.movie)
    assert fit.best_epoch == 1 + told.index(min(told)) < len(told), "it must have overfitted"
    assert rmse(prediction, validation.rating) == pytest.approx(min(told))


def test_training_stops_after_so_many_epochs_without_a_better_one(monkeypatch):
    scripted(monkeypatch, [1.0, 0.9, 0.95, 0.89, 0.9, 0.9, 0.1])
    patient = TrainingSettings(epochs=50, patience=2, batch_size=64)
    fit = training.fit(toy_inputs(), toy_ratings(), toy_ratings(20, seed=2), patient, 0)
    assert (fit.best_epoch, len(fit.history)) == (4, 6)


def test_the_loss_told_is_the_one_minimised():
    weighted = TrainingSettings(epochs=2, batch_size=16, cosine_weight=0.25)
    fit = training.fit(toy_inputs(), toy_ratings(), toy_ratings(20, seed=2), weighted, 0)
    for epoch in fit.history:
        assert epoch["loss"] == pytest.approx(epoch["mse"] + 0.25 * epoch["cosine"])


def test_the_averaged_weights_are_scored_and_kept(monkeypatch):
    """Two steps by hand: the average starts at the first step's weights, then moves a quarter."""
    inputs, train = toy_inputs(), toy_ratings()
    train.view[:] = 0  # one batch an epoch
    validation, found = toy_ratings(20, seed=2), {}
    for averaging, scores in ((0.75, [1.0, 0.9]), (0.0, [0.9, 1.0]), (0.0, [1.0, 0.9])):
        scripted(monkeypatch, scores)
        how = TrainingSettings(epochs=2, batch_size=64, ema_decay=averaging)
        fit = training.fit(inputs, train, validation, how, 0)
        found[averaging, fit.best_epoch] = weights(fit.model)
    wanted = found[0.0, 1].lerp(found[0.0, 2], 0.25)
    torch.testing.assert_close(found[0.75, 2], wanted)
    assert not torch.equal(wanted, found[0.0, 2])


def test_scaling_centres_what_is_known_and_leaves_the_unknown_at_zero():
    """Two columns by hand: the last view's known means are 4 and 2; one scale for all of it."""
    full = torch.tensor([[3.0, 2.0], [5.0, 0.0], [0.0, 2.0]])
    views = torch.stack([torch.tensor([[0.0, 5.0], [0.0, 0.0], [4.0, 1.0]]), full])
    wanted = [[[0.0, 3.0], [0.0, 0.0], [0.0, -1.0]], [[-1.0, 0.0], [1.0, 0.0], [0.0, 0.0]]]
    spread = math.sqrt(2 / 6)
    torch.testing.assert_close(network_inputs.scale(views), torch.tensor(wanted) / spread)
    assert network_inputs.scale(views.bfloat16()).dtype == torch.bfloat16


def test_vectors_made_of_ratings_are_scaled_and_features_are_not():
    inputs, train, validation = toy_inputs(), toy_ratings(), toy_ratings(20, seed=2)
    for scaled in (False, True):
        how = TrainingSettings(epochs=1, batch_size=64, scale_user_vectors=scaled)
        seen = training.fit(inputs, train, validation, how, 0).inputs
        assert seen.movies["text"] is inputs.movies["text"]
        for after, before in (
            (seen.users, inputs.users),
            (seen.movies["ratings"], inputs.movies["ratings"]),
        ):
            torch.testing.assert_close(after, network_inputs.scale(before) if scaled else before)


def test_a_forward_pass_stays_on_the_gpu(monkeypatch):
    """On a simulated one (fake tensors): an operation across two devices is still an error."""
    gpu = torch.device("cuda")
    pad(monkeypatch, lambda rows: rows)
    shapes = ShapeEnv(allow_dynamic_output_shape_ops=True)  # how many are distinct: unknown
    with FakeTensorMode(allow_non_fake_inputs=True, shape_env=shapes):
        inputs = toy_inputs().to(gpu, torch.float32).scaled()
        with gpu:
            model = toy_model(input_dropout=0.5)
        both = training.losses(model, inputs, toy_ratings(), 1)
        predicted = training.predictor(model, inputs)(torch.arange(3), torch.arange(3))
    assert {loss.device.type for loss in both} == {"cuda"}
    assert predicted.device.type == "cpu"


@pytest.mark.parametrize("change", [{"input_dropout": 0.5}, {"variance_preserving_init": True}])
def test_a_setting_changes_the_training(change):
    inputs, train, validation = toy_inputs(), toy_ratings(), toy_ratings(20, seed=2)
    plain, changed, again = (
        weights(training.fit(inputs, train, validation, how, 0).model)
        for how in (SETTINGS, replace(SETTINGS, **change), replace(SETTINGS, **change))
    )
    assert not torch.equal(plain, changed)
    assert torch.equal(changed, again)


def test_without_validation_ratings_the_last_epoch_is_kept():
    inputs, train, none = toy_inputs(), toy_ratings(), toy_ratings(0)
    fit = training.fit(inputs, train, none, SETTINGS, 0)
    assert fit.best_epoch == len(fit.history) == SETTINGS.epochs
    assert all(math.isnan(epoch["validation_rmse"]) for epoch in fit.history)
    longer = training.fit(inputs, train, none, replace(SETTINGS, epochs=5), 0)
    assert not torch.equal(weights(fit.model), weights(longer.model))


def test_validation_ratings_teach_nothing_but_the_epoch():
    inputs, train, validation = toy_inputs(), toy_ratings(), toy_ratings(20, seed=2)
    one = TrainingSettings(epochs=1, batch_size=64)
    other = Ratings(validation.user, validation.movie, 6 - validation.rating, validation.view)
    first, second = (training.fit(inputs, train, v, one, 0) for v in (validation, other))
    assert torch.equal(weights(first.model), weights(second.model))
    assert first.history[0]["validation_rmse"] != second.history[0]["validation_rmse"]


@pytest.mark.parametrize("wrong", [{"learning_rate": 1e9}, {"epochs": 0}])
def test_a_training_that_leads_nowhere_says_so(wrong):
    with pytest.raises(StudyError, match=r"finite error.*learning_rate"):
        training.fit(
            toy_inputs(), toy_ratings(), toy_ratings(20, seed=2), TrainingSettings(**wrong), 0
        )


@pytest.mark.skipif(
    hardware.fast_dtype() is not torch.bfloat16, reason="no bfloat16 on this processor"
)
def test_bfloat16_predicts_nearly_what_float32_does():
    inputs, train, validation = toy_inputs(), toy_ratings(), toy_ratings(20, seed=2)
    found = []
    for dtype in (torch.float32, torch.bfloat16):
        given = inputs.to(torch.device("cpu"), dtype)
        model = training.fit(given, train, validation, SETTINGS, 0).model
        found.append(training.predictor(model, given)(validation.user, validation.movie))
        assert found[-1].dtype == torch.float32
        assert all(p.dtype == torch.float32 for p in model.parameters())
    exact, fast = found
    assert not fast.equal(fast.bfloat16().float()), "bfloat16 is too coarse for the ratings"
    assert 0 < (fast - exact).abs().max() < 0.1


def test_the_profile_of_the_reference_run_trains_as_the_named_trainings_say():
    run = Settings.load("paper")
    for name in ("epochs", "patience", "batch_size", "cosine_weight", "ema_decay"):
        assert getattr(run, name) == getattr(training.REFERENCE, name), name
    assert run.published_epochs == training.PUBLISHED.epochs
    assert run.published_batch_size == training.PUBLISHED.batch_size
    assert run.vector_epochs == training.DENOISING.epochs == training.DENOISING.patience


def test_the_defaults_are_the_published_training():
    assert TrainingSettings() == training.PUBLISHED
    assert training.PUBLISHED.cosine_weight == 1
    assert training.PUBLISHED.learning_rate == 0.001
