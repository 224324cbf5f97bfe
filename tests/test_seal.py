"""No prediction, no list and no choice depends on a sealed test rating, whatever the model."""

from dataclasses import replace

import kinds
import numpy as np
import pandas as pd
import pytest
import tiny
from kinds import EVERY_KIND, LISTS, MEANS, siamese
from results import PAIR, ran

from mmrec.experiments.runner import NOT_FILED
from mmrec.models.registry import MODELS

EVERYTHING = {**EVERY_KIND, **LISTS}
COLD = {
    "item1": EVERY_KIND["siamese"],
    "user2": EVERY_KIND["FM: hybrid"],
    "both3": EVERY_KIND["rating vectors"],
    "item4": EVERY_KIND["item kNN"],
    "item5": EVERY_KIND["FM: content"],
    "user3": LISTS["EASE"],
}
COLD = {fold: replace(experiment, fold=fold) for fold, experiment in COLD.items()}
NOTHING_TO_CHOOSE = {*MEANS, "straight line"}


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    """Every kind of experiment on three sets of ratings: other test ones, other training ones."""
    return {
        change: ran(tmp_path_factory.mktemp("clean"), change, EVERYTHING)
        for change in ("original", "other test", "other training")
    }


@pytest.fixture(scope="module")
def unsealed(tmp_path_factory):
    """The same as published, on two sets of test ratings."""
    rows = {
        kind: replace(experiment, protocol="as_published", refit=False)
        for kind, experiment in EVERYTHING.items()
    }
    return {
        change: ran(tmp_path_factory.mktemp("published"), change, rows)
        for change in ("original", "other test")
    }


def choices(run) -> dict:
    """What a run tells of its choice: of the epoch or of the settings."""
    told = (*("validation_rmse", "validation_ndcg_10"), *("best_epoch", *NOT_FILED))
    return {key: run[key] for key in told if key in run and np.any(pd.notna(run[key]))}


def test_every_model_is_held_against_the_seal():
    held = {type(experiment.model) for experiment in EVERYTHING.values()}
    assert {type(config) for config in MODELS.values()} <= held
    assert {experiment.protocol for experiment in EVERYTHING.values()} == {"clean"}


@pytest.mark.parametrize("kind", EVERYTHING)
def test_changing_the_test_ratings_changes_no_prediction(sealed, kind):
    (runs, before, listed), (other_runs, after, listed_after) = (
        sealed[change] for change in ("original", "other test")
    )
    run, other = runs.loc[kind], other_runs.loc[kind]
    assert run["ndcg_10"] != other["ndcg_10"] or run["recall_20"] != other["recall_20"]
    if kind in EVERY_KIND:
        pd.testing.assert_frame_equal(before[kind], after[kind], check_exact=True)
        assert run["rmse"] != other["rmse"], "the ratings did change"
    pd.testing.assert_frame_equal(listed[kind], listed_after[kind], check_exact=True)
    assert choices(run) == choices(other)
    assert bool(choices(run)) == (kind not in NOTHING_TO_CHOOSE)
    scored = ["rmse", "rmse_covered", "precision", "recall", "ndcg_10", "recall_20", "hash"]
    scored += [name for name in run.index if name.startswith("within_")]
    users = ("users_ranked", "users_without_relevant")
    own = [key for key in runs if key not in (*scored, *users, *NOT_FILED, "train_seconds")]
    pd.testing.assert_series_equal(run[own], other[own])


@pytest.mark.parametrize("kind", EVERYTHING)
def test_changing_the_training_ratings_changes_every_kind_of_prediction(sealed, kind):
    """The control: the comparison above would see a leak."""
    (_, before, listed), (_, after, listed_after) = (
        sealed[change] for change in ("original", "other training")
    )
    if kind in before:
        pd.testing.assert_frame_equal(before[kind][PAIR], after[kind][PAIR])
        assert (before[kind]["prediction"] != after[kind]["prediction"]).mean() > 0.5
    elif "crowd" not in kind:  # a sort by the crowd's rating learns nothing
        assert not listed[kind].equals(listed_after[kind])


@pytest.mark.parametrize("fold", COLD)
def test_changing_the_test_ratings_changes_no_prediction_of_a_cold_fold(tmp_path, fold):
    (runs, before, listed), (other_runs, after, listed_after) = (
        ran(tmp_path / change, change, {fold: COLD[fold]}, fold)
        for change in ("original", "other test")
    )
    assert runs.loc[fold, "ndcg_10"] != other_runs.loc[fold, "ndcg_10"], "the ratings did change"
    for row, table in before.items():
        assert np.isfinite(table["prediction"]).all()
        pd.testing.assert_frame_equal(table, after[row], check_exact=True)
    pd.testing.assert_frame_equal(listed[fold], listed_after[fold], check_exact=True)


def test_a_refitted_model_learns_from_the_validation_ratings_what_they_chose(sealed):
    runs, predictions, _ = sealed["original"]
    for row in ("rating vectors", "user+movie bias"):
        plain, refitted = runs.loc[row], runs.loc[f"{row}, refitted"]
        assert choices(plain) == choices(refitted)
        before, after = (predictions[run.name]["prediction"] for run in (plain, refitted))
        assert (before != after).mean() > 0.9


@pytest.mark.parametrize("kind", EVERYTHING)
def test_as_published_the_test_ratings_choose(unsealed, sealed, kind):
    """The control of the seal: what the protocol lets through arrives."""
    (runs, before, listed), (other_runs, after, listed_after) = unsealed.values()
    run, other = runs.loc[kind], other_runs.loc[kind]
    if kind in NOTHING_TO_CHOOSE:  # nor do they have user vectors
        assert choices(run) == {}
        pd.testing.assert_frame_equal(listed[kind], listed_after[kind], check_exact=True)
        return
    assert choices(run) != choices(other)
    if kind in LISTS:
        return
    assert run["validation_rmse"] == pytest.approx(run["rmse"], abs=1e-5), "it is the test's own"
    honest = sealed["original"][0].loc[kind]
    assert honest["validation_rmse"] != pytest.approx(honest["rmse"], abs=1e-3)
    if run["model"] == siamese("text").model_name:
        changed = before[kind]["prediction"] != after[kind]["prediction"]
        assert changed.mean() > 0.5, "user vectors of test pairs are made of the test ratings"


def test_as_published_other_test_ratings_choose_other_epochs_and_settings(unsealed):
    (_, before, _), (_, after, _) = unsealed.values()
    changed = {kind for kind in before if not before[kind].equals(after[kind])}
    assert changed >= {"siamese", "rating vectors", "user+movie bias", "item kNN"}


@pytest.mark.parametrize("protocol", ["training_profiles", "hidden_target"])
def test_between_the_protocols_test_ratings_choose_and_are_in_no_user_vector(tmp_path, protocol):
    """With one epoch there is nothing to choose: only a user vector could let the ratings in."""
    once = replace(siamese("text").model, training=replace(tiny.TRAINING, epochs=1))
    rows = {
        "one epoch": kinds.Experiment(once, 0, protocol=protocol),
        "published": kinds.Experiment(once, 0, protocol="as_published"),
    }
    (runs, before, _), (other_runs, after, _) = (
        ran(tmp_path / change, change, rows) for change in ("original", "other test")
    )
    for row in rows:
        assert choices(runs.loc[row]) != choices(other_runs.loc[row])
    pd.testing.assert_frame_equal(before["one epoch"], after["one epoch"], check_exact=True)
    assert not before["published"].equals(after["published"])
