"""Chapter 12: which models stand in which track, on what, and what is told of them."""

import json
from collections import Counter

import numpy as np
import pandas as pd
import pytest
import tiny
from made_runs import keep, off_by, ratings_of, run_row, sealed

from mmrec.errors import StudyError
from mmrec.evaluation import metrics
from mmrec.experiments import beyond, cold_start, costs, paper, saved
from mmrec.experiments.content import BLOCKS, KNOWN_BEFORE_RELEASE, LEVELS, WITH_CROWD
from mmrec.experiments.loading import load
from mmrec.experiments.spec import Experiment
from mmrec.models.means import MeanConfig
from mmrec.models.pair_learning import updated
from mmrec.models.pair_prediction import Fitted
from mmrec.models.pair_priors import parts_of
from mmrec.models.pair_process import PairProcess, PairProcessConfig
from mmrec.models.training import DENOISING, REFERENCE
from mmrec.models.withheld import WithheldConfig
from mmrec.reports import listing, tracks
from mmrec.settings import Settings, names

TABLES = {*WITH_CROWD, *BLOCKS, "facts"}
FOLDS = {"item": 2, "user": 1, "both": 1}
SEEDS = {"seeds": [0, 1], "warm_seeds": [0, 1], "list_seeds": [0]}
FILMS = pd.Series(tiny.movie_ids(), tiny.movie_ids())
IN_40_LINES = 40


def every(tables=TABLES, wanted=beyond.TRACKS, **changed):
    here = {"tables": tables, "n_folds": FOLDS, "control_seeds": [0], "fold": "u1", **SEEDS}
    return beyond.tracks(wanted, **{**here, **changed})


# --- experiments --------------------------------------------------------------------------------


def test_all_tracks_are_there_in_order_and_refitted():
    found = every()
    assert [*found] == [*beyond.TRACKS] == [*tracks.NAMES]
    assert all(e.refit and e.protocol == "clean" for rows in found.values() for _, e in rows)


def test_no_two_runs_of_a_track_differ_in_nothing_that_a_table_tells_apart():
    for rows in every().values():
        seen = Counter((row, e.fold, e.seed, e.features) for row, e in rows)
        assert max(seen.values()) == 1


@pytest.mark.parametrize("track", [*beyond.NEW_FILMS, *beyond.LISTS])
def test_on_new_films_nobody_reads_more_than_the_track_says(track):
    allowed = {*{**beyond.NEW_FILMS, **beyond.LISTS}[track]}
    rows = every()[track]
    assert {e.fold for _, e in rows} == {"item1", "item2"}
    assert {*rows[-1][1].model.features} == allowed
    assert all({*e.model.features} <= allowed for _, e in rows)


def test_controlled_content_has_its_control_and_no_other_track():
    for track, rows in every().items():
        control = {(row, e.seed) for row, e in rows if e.features == "permuted"}
        wanted = beyond.NEW_FILMS.get(track) in beyond.CONTROLLED
        assert control == ({(beyond.PROCESS, 0)} if wanted else set()), track


def test_a_run_has_the_tracks_that_it_wants_and_its_tables_allow():
    assert [*every(wanted=["u1_lists", "new_films_text"])] == ["new_films_text", "u1_lists"]
    known = every(tables={"facts", "text"})
    assert not {"new_films_video", "new_films_audio"} & {*known}
    assert all({*e.model.features} <= {"facts", "text"} for rows in known.values() for _, e in rows)
    assert not {"new_users", "both_new"} & {*every(n_folds={"item": 1, "user": 0, "both": 0})}


def test_an_unknown_track_is_told_with_those_there_are():
    with pytest.raises(StudyError, match=r"no track 'new_film'.*new_users"):
        every(wanted=["new_film"])


@pytest.mark.parametrize("profile", names())
def test_profiles_name_tracks_that_exist(profile):
    assert {*Settings.load(profile).beyond_tracks} <= {*beyond.TRACKS}


def test_each_block_is_left_out_once_and_withheld_at_every_share():
    here = {"tables": TABLES, "n_folds": 1, "seeds": [0]}
    left_out, withheld = dict(beyond.blocks(**here)), dict(beyond.withheld(**here))
    for block in BLOCKS:
        rest = {*BLOCKS} - {block}
        assert {*left_out[beyond.without(block)].model.features} == rest
        for share in beyond.SHARES:
            model = withheld[beyond.lacking(block, share)].model
            whole = PairProcessConfig(BLOCKS)
            assert model == WithheldConfig(whole, block, share)
    assert len(left_out) == 1 + len(BLOCKS)
    assert len(withheld) == len(beyond.SHARES) * len(BLOCKS)


def test_with_a_single_block_there_is_none_to_leave_out():
    here = {"tables": {"text"}, "n_folds": 1, "seeds": [0]}
    assert [row for row, _ in beyond.blocks(**here)] == [beyond.ALL_BLOCKS]
    assert beyond.withheld(**here) == []


def test_without_folds_there_are_no_blocks_and_no_curves():
    here = {"tables": TABLES, "n_folds": 0, "seeds": [0]}
    assert beyond.blocks(**here) == beyond.withheld(**here) == []
    assert beyond.learning_curves(support_sizes=[0, 1], **here) == []


def test_the_second_drawing_has_the_models_of_the_first_on_other_folds():
    here = {"tables": TABLES, "n_folds": 2, "seeds": [0]}
    found = beyond.second_drawing(**here)
    assert [*found] == [*beyond.DRAWN_AGAIN, *beyond.LISTS]
    first = every()
    for track, rows in found.items():
        assert [e.fold for _, e in rows] == ["check-item1", "check-item2"]
        models = {row: e.model for row, e in first[track]}
        assert all(e.refit and models[row] == e.model for row, e in rows)
    assert not beyond.second_drawing(**{**here, "tables": set()})
    assert not beyond.second_drawing(**{**here, "n_folds": 0})


@pytest.mark.parametrize(("n_folds", "folds"), [(2, {"u1", "item1"}), (0, {"u1"})])
def test_costs_are_of_runs_that_earlier_chapters_have_made(n_folds, folds):
    here = {"tables": TABLES, "n_folds": n_folds, "seed": 3}
    found = [e for _, e in costs.earlier(REFERENCE, DENOISING, fold="u1", **here)]
    assert {e.fold for e in found} == folds
    assert {e.features for e in found} == {"real"}
    earlier = paper.table1(REFERENCE, REFERENCE, fold="u1", seeds=[3, 4])
    seeds = {"item": [3, 4]}
    some = {"tables": TABLES, "n_folds": {"item": 2}, "scenario_seeds": seeds}
    earlier += cold_start.strict(REFERENCE, DENOISING, **some)
    earlier += cold_start.inputs(
        REFERENCE, wanted=[*LEVELS], tables=TABLES, n_folds=2, seeds=[3, 4]
    )
    known = [e for _, e in earlier]
    assert all(e in known for e in found)


# --- reports ------------------------------------------------------------------------------------


@pytest.fixture
def workspace(tmp_path):
    made = tiny.workspace(tmp_path)
    movies = pd.read_parquet(made.catalogue / "movies.parquet")
    movies["title"] = [f"Film {number}" for number in movies["movie_id"]]
    movies.to_parquet(made.catalogue / "movies.parquet")
    return made


def rated(workspace, error: float, row: str, fold: str = "item1", seed: int = 0, **fields) -> dict:
    told = {"within_50": 0.5, "within_80": 0.8, "within_95": 0.9, "sd_mean": 1.0}
    told |= {"train_seconds": 10.0 * (1 + seed), **fields}
    name = f"{row}-{fold}-{seed}-{error}-{fields.get('features', '')}"
    return run_row(
        workspace, name, off_by(error, ratings_of(fold)), row=row, fold=fold, seed=seed, **told
    )


def listed(workspace, row: str, seed: int) -> dict:
    test = sealed("item1")
    drawn = np.random.default_rng(seed).permutation(test.pairs["movie_id"].unique())[:20]
    lists = pd.concat(
        pd.DataFrame({"user_id": user, "rank": np.arange(1, len(drawn) + 1), "movie_id": drawn})
        for user in test.pairs["user_id"].unique()
    )
    found = rated(workspace, 0.5, row)
    keep(workspace, found["hash"], None, lists)
    rest = dict.fromkeys(["catalogue_coverage", "popularity_percentile"], 0.0)
    rest |= dict.fromkeys(["popularity_listed", "popularity_candidates"], 0.0)
    return {**found, "rmse": np.nan, **metrics.score_lists(lists, test, FILMS), **rest}


@pytest.fixture
def runs(workspace):
    seeds = [(fold, seed) for fold in ("item1", "item2") for seed in (0, 1)]
    process = [rated(workspace, 0.4, beyond.PROCESS, *where) for where in seeds]
    mean = [rated(workspace, 0.6, "user mean", *where, within_50=np.nan) for where in seeds]
    lists = [listed(workspace, beyond.CONTENT_EASE, 1), listed(workspace, "IMDb votes", 2)]
    return {
        "new_films_text": pd.DataFrame([*process, *mean]),
        "new_films_lists_released": pd.DataFrame(lists),
    }


def test_a_summary_of_tracks_has_ratings_lists_intervals_and_costs(runs, workspace):
    table = tracks.summarise(runs, workspace)
    assert [*table.columns] == tracks.COLUMNS
    found = table.set_index(["track", "row"])
    process = found.loc[("new_films_text", beyond.PROCESS)]
    assert process["rmse_mean"] == pytest.approx(0.4)
    assert (process["n_folds"], process["n_seeds"], process["fold"]) == (2, 2, "item")
    assert process["interval"] == "users and films"
    assert (process["within_80"], process["sd_mean"], process["train_seconds"]) == (0.8, 1.0, 15.0)
    assert np.isnan(process["ndcg_10"])
    assert np.isnan(found.loc[("new_films_text", "user mean"), "within_50"])
    lists = found.loc[("new_films_lists_released", "IMDb votes")]
    expected = runs["new_films_lists_released"].set_index("row").loc["IMDb votes"]
    assert lists["ndcg_10"] == expected["ndcg_10"]
    assert lists["ndcg_10_low"] <= lists["ndcg_10"] <= lists["ndcg_10_high"]
    assert np.isnan(lists["rmse_mean"])
    assert table["ndcg_10"].dtype == table["rmse_mean"].dtype == np.float64


def test_an_overview_sets_tracks_against_models(runs, workspace):
    table = tracks.summarise(runs, workspace)
    wide = tracks.overview(table, "rmse_mean")
    assert [*wide.index] == [tracks.NAMES["new_films_text"]]
    assert wide.iloc[0].to_dict() == pytest.approx({beyond.PROCESS: 0.4, "user mean": 0.6})
    assert [*tracks.overview(table, "ndcg_10").columns] == [beyond.CONTENT_EASE, "IMDb votes"]
    assert len(tracks.overview(table, "train_seconds")) == 2


def test_rows_are_compared_within_their_track(runs, workspace):
    table = tracks.compare(runs, workspace, reference=beyond.PROCESS)
    (line,) = table.itertuples()
    assert line.row == "new films: text alone: user mean"
    assert line.difference == pytest.approx(0.2)
    assert (line.measure, line.interval) == ("RMSE", "users and films")
    (line,) = tracks.compare(
        runs, workspace, reference=beyond.CONTENT_EASE, lists=True
    ).itertuples()
    assert (line.measure, line.track) == ("NDCG@10", "new_films_lists_released")
    with pytest.raises(StudyError, match=r"no track has a row 'nobody'.*new_films_text"):
        tracks.compare(runs, workspace, reference="nobody")


def test_both_drawings_stand_beside_each_other():
    columns = ["track", "row", "features", "rmse_mean", "ndcg_10", "recall_20"]
    rows = [
        ("new_films_crowd", beyond.PROCESS, "real", 0.91, np.nan, np.nan),
        ("new_films_crowd", beyond.PROCESS, "permuted", 1.06, np.nan, np.nan),
        ("new_films_lists_crowd", beyond.CONTENT_EASE, "real", np.nan, 0.4, 0.5),
    ]
    first = pd.DataFrame(rows, columns=columns)
    second = first[first["features"] == "real"].assign(
        rmse_mean=[0.92, np.nan], ndcg_10=[np.nan, 0.3]
    )
    table = tracks.both_drawings(first.iloc[:2], second)
    assert [*table.columns] == ["model", "first drawing", "second drawing"]
    crowd, lists = tracks.NAMES["new_films_crowd"], tracks.NAMES["new_films_lists_crowd"]
    assert [*table.index] == [(crowd, "RMSE"), (lists, "NDCG@10"), (lists, "Recall@20")]
    np.testing.assert_array_equal(table["first drawing"], [0.91, np.nan, np.nan])
    np.testing.assert_array_equal(table["second drawing"], [0.92, 0.3, 0.5])


def test_what_is_missing_stands_beside_what_was_never_seen():
    scores = {"all blocks": 0.96, "without text": 0.98, "without audio": 0.97}
    left_out = pd.DataFrame({"row": [*scores], "rmse_mean": [*scores.values()]})
    lacking = {
        beyond.lacking(block, share): 0.96 + share * loss
        for block, loss in (("text", 0.03), ("audio", 0.01))
        for share in beyond.SHARES
    }
    withheld = pd.DataFrame({"row": [*lacking], "rmse_mean": [*lacking.values()]})
    table = tracks.missing(left_out, withheld)
    assert [*table.index] == ["text", "audio"]
    assert table.loc["text"].to_list() == pytest.approx([0.96, 0.975, 0.99, 0.98])
    assert tracks.missing(left_out.iloc[:1], withheld.iloc[:0]).empty


def test_the_worst_films_are_told_by_title(workspace, monkeypatch):
    monkeypatch.setattr(tracks, "LEAST", 3)
    monkeypatch.setattr(tracks, "WORST", 2)
    test = sealed("item1")
    movie = test.pairs["movie_id"].to_numpy()
    worst = movie[0]
    prediction = test.open() + np.where(movie == worst, 0.9, -0.1) * np.where(
        test.open() > 3, -1, 1
    )
    row = run_row(workspace, "a", prediction, row=beyond.PROCESS, fold="item1")
    other = run_row(workspace, "b", prediction, row="user mean", fold="item1")
    found = tracks.film_errors(pd.DataFrame([row, other]), workspace, row=beyond.PROCESS)
    assert found.index[0] == f"Film {worst}"
    assert found["rmse"].to_list() == pytest.approx([0.9, 0.1], abs=1e-6)
    assert found["ratings"].iloc[0] == (movie == worst).sum()
    monkeypatch.setattr(tracks, "LEAST", 1_000)
    assert tracks.film_errors(pd.DataFrame([row]), workspace, row=beyond.PROCESS).empty


def example(x: int) -> int:
    """Twice a number.

    And more of it.
    """
    # kept

    return 2 * x


def test_a_listing_is_the_code_without_what_is_said_of_it():
    assert listing.listing(example) == "def example(x: int) -> int:\n    # kept\n    return 2 * x"
    two = listing.listing(example, PairProcess.score)
    assert two.count("def ") == 2
    assert two.split("\n\n")[1].startswith("def score(self")
    assert '"""' not in two


def test_the_chapter_shows_the_model_in_forty_lines(notebooks):
    (path,) = [path for path in notebooks if path.stem == "12_new_films"]
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    (code,) = ["".join(cell["source"]) for cell in cells if cell["id"] == "model"]
    shown = "(pair_priors.parts_of, pair_learning.updated, pair_prediction.Fitted.grid)"
    assert f"shown = {shown}" in code
    assert "listing(*shown)" in code
    assert listing.listing(parts_of, updated, Fitted.grid).count("\n") < IN_40_LINES


def test_the_size_of_a_saved_model_is_that_of_its_files(workspace, tmp_path):
    data = load(workspace)
    config = PairProcessConfig(("text",), rounds=1, max_updates=0)
    experiment = Experiment(config, 0, fold="item1", refit=True)
    fitted = config.build()
    split = saved.divide(experiment, data)
    fitted.fit(saved.training_data(experiment, data, split), seed=0)
    size = saved.saved_bytes(experiment, data, fitted.chosen)
    whole = config.build()
    joined = saved.divide(experiment, data, joined=True)
    whole.fit(saved.training_data(experiment, data, joined), seed=0, chosen=fitted.chosen)
    whole.save(tmp_path / "model")
    assert size == sum(file.stat().st_size for file in (tmp_path / "model").iterdir()) > 1_000
    with pytest.raises(StudyError, match="Mean cannot be saved"):
        saved.saved_bytes(Experiment(MeanConfig("user"), 0), data, {})


def test_content_levels_are_those_of_the_tracks():
    assert beyond.NEW_FILMS["new_films_released"] == KNOWN_BEFORE_RELEASE
    assert beyond.NEW_FILMS["new_films_crowd"] == WITH_CROWD
