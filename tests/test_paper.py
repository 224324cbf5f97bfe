"""The paper's tables: every figure it published, and an experiment for each."""

import json
import re
from dataclasses import replace
from itertools import pairwise

import pytest
import tiny

from mmrec.errors import StudyError
from mmrec.evaluation.folds import scenario_of
from mmrec.experiments import cold_start, content, paper
from mmrec.experiments.paper import BASELINES
from mmrec.experiments.spec import Experiment
from mmrec.models.content_kernel_ridge import ContentKernelRidgeConfig
from mmrec.models.content_ridge import ContentRidgeConfig
from mmrec.models.factorisation_machine import FactorisationMachineConfig
from mmrec.models.rating_vectors import RatingVectorsConfig
from mmrec.models.siamese import SiameseConfig
from mmrec.models.straight_line import StraightLineConfig
from mmrec.models.training import TrainingSettings
from mmrec.settings import Settings, names

# As printed: RMSE, precision, recall.
TABLE_I = """
text 1.054 68.582 77.036
meta 1.025 69.419 85.132
audio 1.153 58.182 73.698
video 1.151 59.033 74.448
meta+text 1.032 68.129 80.715
meta+audio 1.034 70.102 71.811
meta+video 1.034 70.205 71.473
all 1.028 69.911 73.912
"""
# As printed: the three figures at 50 % masking, then at 80 %.
TABLE_II = """
meta+text 1.048 70.653 75.149 1.049 68.221 78.321
meta+audio 1.054 67.348 78.942 1.057 68.119 77.817
meta+video 1.053 68.993 74.462 1.059 67.079 75.576
all 1.048 69.771 76.745 1.053 67.111 78.118
"""
SEEDS = (0, 1, 2)
PUBLISHED = TrainingSettings(epochs=3, batch_size=40_000)
NETWORKS = (SiameseConfig, RatingVectorsConfig)
EVERY = {"fold": "u1", "seeds": SEEDS}
EXPERIMENTS = {
    "table1": paper.table1(tiny.TRAINING, PUBLISHED, control_seeds=SEEDS, **EVERY),
    "table2": paper.table2(
        tiny.TRAINING, PUBLISHED, control_seeds=SEEDS, masking_levels=[0.5, 0.8], **EVERY
    ),
    "rating_vectors": paper.rating_vectors(tiny.TRAINING, PUBLISHED, masking_levels=[0.5], **EVERY),
}


def published() -> dict:
    found = {("rating_vectors", "rating vectors", 0.0): (0.918, 75.013, 78.033)}
    for line in TABLE_I.split("\n")[1:-1]:
        row, *figures = line.split()
        found["table1", row, 0.0] = tuple(map(float, figures))
    for line in TABLE_II.split("\n")[1:-1]:
        row, *figures = line.split()
        found["table2", row, 0.5] = tuple(map(float, figures[:3]))
        found["table2", row, 0.8] = tuple(map(float, figures[3:]))
    return found


def test_figures_are_those_of_the_paper():
    found = {tuple(row[:3]): tuple(row[3:]) for row in paper.PUBLISHED.itertuples(index=False)}
    assert len(paper.PUBLISHED) == 17
    assert found == published()


@pytest.mark.parametrize("table", EXPERIMENTS)
def test_every_published_figure_is_run_under_both_protocols_beside_every_baseline(table):
    rows = EXPERIMENTS[table]
    wanted = {(row, mask) for name, row, mask in published() if name == table}
    places = [(*place, protocol) for place in wanted for protocol in ("clean", "as_published")]
    places += [(model, 0.0, "clean") for model in paper.BASELINES]
    for place in places:
        seeds = [
            e.seed
            for row, e in rows
            if (row, e.masking, e.protocol) == place and e.features == "real"
        ]
        assert seeds == list(SEEDS), place
    assert len({experiment for _, experiment in rows}) == len(rows), "none stands there twice"
    assert {e.fold for _, e in rows} == {"u1"}


@pytest.mark.parametrize("table", EXPERIMENTS)
def test_large_batches_go_with_the_published_protocol_and_no_other(table):
    for _, e in EXPERIMENTS[table]:
        if isinstance(e.model, NETWORKS):
            assert (e.model.training == PUBLISHED) == (e.protocol != "clean")


def test_a_row_is_represented_by_the_modalities_it_names():
    for row, modalities in paper.ROWS.items():
        named = ("video", "audio", "text", "meta") if row == "all" else row.split("+")
        assert set(modalities) == set(named)
        assert len(modalities) == len(set(named))
    for table in ("table1", "table2"):
        assert all(
            e.model.modalities == paper.ROWS[row]
            for row, e in EXPERIMENTS[table]
            if row in paper.ROWS
        )


def test_the_unmasked_rows_of_table_two_are_those_of_table_one():
    """The same experiments, so that they are trained once."""
    one, two = ({e for _, e in EXPERIMENTS[name]} for name in ("table1", "table2"))
    unmasked = {e for e in two if e.masking == 0}
    # Four rows: clean, permuted, as published.
    assert len(unmasked) == (3 * 4 + len(paper.BASELINES)) * len(SEEDS)
    assert unmasked <= one


@pytest.mark.parametrize("table", ["table1", "table2"])
def test_every_row_that_reads_content_has_its_control(table):
    real, control = (
        {
            (row, e.seed, e.masking)
            for row, e in EXPERIMENTS[table]
            if e.features == kind and e.protocol == "clean" and isinstance(e.model, NETWORKS)
        }
        for kind in ("real", "permuted")
    )
    assert real == control != set()


def test_the_machines_that_read_content_have_their_control():
    readers = {row for row, config in paper.BASELINES.items() if config.features}
    assert readers == {"FM: content", "FM: hybrid"}
    found = {(row, e.features, e.seed) for row, e in EXPERIMENTS["table1"] if row in readers}
    assert len(found) == len(readers) * 2 * len(SEEDS)


def test_the_ladder_changes_one_thing_at_a_time():
    small, tuned = tiny.TRAINING, TrainingSettings(epochs=2, ema_decay=0.9)
    rows = paper.protocol_steps("all", PUBLISHED, small, tuned, fold="u1", seeds=[0])
    ways = [(e.protocol, e.model.training) for _, e in rows]
    assert ways[0] == ("as_published", PUBLISHED)
    assert ways[-1] == ("clean", tuned)
    for before, after in pairwise(ways):
        assert sum(one != other for one, other in zip(before, after, strict=True)) == 1
    assert len({row for row, _ in rows}) == len(rows)
    assert {e.model.modalities for _, e in rows} == {paper.ROWS["all"]}


def test_tables_that_are_not_there_are_left_out_of_the_variants():
    rows = paper.variants(tiny.TRAINING, tables={"text", "meta"}, **EVERY)
    assert {row for row, _ in rows} == {"text", "meta"}
    open_data = paper.variants(tiny.TRAINING, tables={"text-open"}, **EVERY)
    assert {e.model.user_vectors_from for _, e in open_data} == {"meta-open"}, "open in all it has"


@pytest.mark.parametrize("model", [SiameseConfig(("meta",)), RatingVectorsConfig()])
def test_trainings_compared_differ_in_nothing_else(model):
    ways = {"one": tiny.TRAINING, "other": PUBLISHED}
    rows = paper.trainings_compared(model, ways, fold="u2", seeds=[0, 1])
    assert [(row, e.seed, e.model.training) for row, e in rows] == [
        (row, seed, how) for row, how in ways.items() for seed in (0, 1)
    ]
    same = {replace(e, seed=0, model=replace(e.model, training=PUBLISHED)) for _, e in rows}
    assert same == {Experiment(replace(model, training=PUBLISHED), 0, fold="u2")}


def test_beside_a_refitted_network_stand_refitted_baselines():
    refitted = {row for row, e in EXPERIMENTS["rating_vectors"] if e.refit}
    assert refitted == {paper.refitted_row(row) for row in ("rating vectors", *paper.BASELINES)}


ONE_SEED = {"item": [0], "user": [0], "both": [0]}

# --- cold start ---------------------------------------------------------------------------------


def test_strict_cold_start_covers_all_that_can_be_new_and_shows_nothing_of_it():
    rows = cold_start.strict(
        tiny.TRAINING,
        PUBLISHED,
        tables=EVERY_TABLE,
        n_folds={"item": 2, "user": 2, "both": 2},
        scenario_seeds=ONE_SEED,
        control_seeds=[0],
    )
    assert {e.fold for _, e in rows} == {"item1", "item2", "user1", "user2", "both1", "both2"}
    assert {(e.support_size, e.protocol) for _, e in rows} == {(None, "clean")}
    assert len({e for _, e in rows}) == len(rows)
    for fold in ("item1", "user2", "both1"):
        there = {row for row, e in rows if e.fold == fold and e.features == "real"}
        assert {
            *cold_start.OPPONENTS,
            *("meta", cold_start.REMEDIED, cold_start.RIDGE),
        } <= there
        assert ("all" in there) == (fold == "item1")
    control = {(row, scenario_of(e.fold)) for row, e in rows if e.features == "permuted"}
    assert control == {("meta", "item"), ("FM: hybrid", "item")}
    unrated = [e for row, e in rows if row == cold_start.UNRATED]
    assert {e.model.content for e in unrated} == {("facts-unrated",)}


def test_learning_curves_show_every_number_to_every_model():
    rows = cold_start.learning_curves(
        tiny.TRAINING, tables=EVERY_TABLE, support_sizes=[0, 5], n_folds=1, seeds=[0]
    )
    models = {*cold_start.CURVES, cold_start.REMEDIED, cold_start.RIDGE}
    assert {(row, e.fold, e.support_size) for row, e in rows} == {
        (row, fold, number) for row in models for fold in ("item1", "user1") for number in (0, 5)
    }
    assert len(rows) == 2 * 2 * len(models)


EVERY_TABLE = {
    table for inputs in (*cold_start.TABLES.values(), *content.LEVELS.values()) for table in inputs
}


DESCRIPTIONS = [*cold_start.TABLES, *content.LEVELS]


def test_every_model_that_reads_content_is_given_every_description_of_a_new_film():
    """Models are compared on equal inputs, the levels of content with their control."""
    rows = cold_start.inputs(
        tiny.TRAINING,
        wanted=DESCRIPTIONS,
        tables=EVERY_TABLE,
        n_folds=2,
        seeds=[0, 1],
        control_seeds=[0],
    )
    assert {scenario_of(e.fold) for _, e in rows} == {"item"}
    assert len({e for _, e in rows}) == len(rows)
    read: dict[tuple, set] = {}
    for row, e in rows:
        if e.item_features and not isinstance(e.model, StraightLineConfig):
            read.setdefault((row, e.fold, e.seed, e.features), set()).add(
                (type(e.model), frozenset(e.item_features))
            )
    kinds = {
        SiameseConfig,
        FactorisationMachineConfig,
        ContentRidgeConfig,
        ContentKernelRidgeConfig,
    }
    inputs = {**cold_start.TABLES, **content.LEVELS}
    for (row, *_), given in read.items():
        assert given == {(kind, frozenset(inputs[row])) for kind in kinds}
    assert {row for row, *_ in read} == set(inputs)
    assert {row for row, _, _, features in read if features == "permuted"} == {*content.LEVELS}


def test_a_run_has_the_descriptions_that_it_wants():
    here = {"tables": EVERY_TABLE, "n_folds": 1, "seeds": [0]}
    rows = cold_start.inputs(tiny.TRAINING, wanted=["meta", "known before release"], **here)
    assert {row for row, _ in rows} == {
        *("meta", "known before release", cold_start.NO_CONTENT, "imdb")
    }
    with pytest.raises(StudyError, match=r"no description 'Meta'.*genres"):
        cold_start.inputs(tiny.TRAINING, wanted=["Meta"], **here)


@pytest.mark.parametrize("profile", names())
def test_profiles_name_descriptions_that_exist(profile):
    assert {*Settings.load(profile).cold_inputs} <= {*DESCRIPTIONS}


def test_users_are_without_the_imdb_rating_where_the_film_is():
    rows = cold_start.inputs(
        tiny.TRAINING, wanted=DESCRIPTIONS, tables=EVERY_TABLE, n_folds=1, seeds=[0]
    )
    rated = {"imdb", "facts", "genres-rating", "meta"}
    for _, e in rows:
        if isinstance(e.model, SiameseConfig):
            assert (e.model.user_vectors_from == "meta") == bool(rated & {*e.item_features})


def test_without_the_encyclopedia_no_level_is_there_twice():
    some = EVERY_TABLE - {"meta-freebase", "imdb"}
    rows = cold_start.inputs(tiny.TRAINING, wanted=DESCRIPTIONS, tables=some, n_folds=1, seeds=[0])
    assert not any({"meta-freebase", "imdb"} & {*e.model.features} for _, e in rows)
    assert {row for row, _ in rows} & {*content.LEVELS} == {"known before release"}
    lists = cold_start.lists(tables=some, n_folds=1, seeds=[0])
    assert [row for row, _ in lists] == ["likes from content, known before release"]


def test_wherever_the_hybrid_is_compared_the_same_without_content_stands_beside_it():
    """It alone differs in nothing but the content."""
    twins = {BASELINES[row] for row in ("FM: ids and users", "FM: hybrid")}
    assert {replace(twin, content=()) for twin in twins} == {BASELINES["FM: ids and users"]}
    two = {"item": 1, "user": 1, "both": 1}
    for rows in (
        *EXPERIMENTS.values(),
        cold_start.strict(
            tiny.TRAINING,
            PUBLISHED,
            tables=EVERY_TABLE,
            n_folds=two,
            scenario_seeds=ONE_SEED,
            control_seeds=[0],
        ),
        cold_start.learning_curves(
            tiny.TRAINING, tables=EVERY_TABLE, support_sizes=[0, 5], n_folds=1, seeds=[0]
        ),
    ):
        places = [
            {
                (e.fold, e.seed, e.support_size, e.refit)
                for _, e in rows
                if e.model == twin and e.features == "real"
            }
            for twin in twins
        ]
        assert places[0] == places[1] != set()


def test_lists_are_held_against_what_everybody_gets_and_against_models_of_likes():
    rows = paper.lists(
        tiny.TRAINING, tables={"imdb", "meta", "facts"}, fold="u1", rows=["meta"], seeds=[0]
    )
    assert {row for row, _ in rows} == {"meta", *paper.BASELINES, *paper.RANKERS}
    without = paper.lists(tiny.TRAINING, tables={"meta"}, fold="u1", rows=["meta"], seeds=[0])
    assert {row for row, _ in rows} - {row for row, _ in without} == {"IMDb rating", "IMDb votes"}


def test_no_notebook_cuts_what_a_profile_promises(notebooks):
    """Every seed and fold that is run is a setting: `extended` could not promise them else."""
    for path in notebooks:
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                code = "".join(cell["source"])
                assert not re.search(r"run\.\w*(seeds|folds)\w*(\[[^\]]*:|\W.*min\()", code), path
                assert not re.search(r"min\([^)]*run\.\w*folds", code), path


def test_without_imdb_ratings_no_row_asks_for_them():
    there = [name for name in EVERY_TABLE if name != "imdb"]
    here = {"tables": there, "n_folds": 1, "seeds": [0]}
    found = [
        *cold_start.strict(
            tiny.TRAINING,
            PUBLISHED,
            tables=there,
            n_folds={"item": 1, "both": 1},
            scenario_seeds=ONE_SEED,
        ),
        *cold_start.inputs(tiny.TRAINING, wanted=DESCRIPTIONS, **here),
        *cold_start.lists(**here),
        *paper.lists(tiny.TRAINING, tables=there, rows=["meta"], fold="u1", seeds=[0]),
    ]
    assert not [row for row, e in found if "imdb" in e.model.features]
