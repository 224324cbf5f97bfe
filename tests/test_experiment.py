"""The description of an experiment and its hash: what a result depends on, and what not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tiny
from kinds import EVERY_KIND, LISTS, RATINGS_ALONE, VECTORS, machine, siamese

from mmrec import provenance
from mmrec.errors import StudyError
from mmrec.evaluation import protocols
from mmrec.experiments import spec
from mmrec.experiments.loading import load
from mmrec.experiments.spec import EXECUTION, Experiment, experiment_hash
from mmrec.features.table import FeatureTable

EVERYTHING = {**EVERY_KIND, **LISTS}
MEAN = RATINGS_ALONE["user mean"]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    return tiny.workspace(tmp_path_factory.mktemp("workspace"))


@pytest.fixture(scope="module")
def data(workspace):
    return load(workspace)


# --- the description ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ({"masking": 50}, "masking 50 is no share"),
        ({"masking": 1.0}, r"masking 1\.0 is no share"),
        ({"masking": float("nan")}, "masking nan is no share"),
        ({"protocol": "hopeful"}, "unknown protocol 'hopeful'.*clean"),
        ({"features": "imagined"}, "unknown features 'imagined'.*real, permuted"),
        ({"fold": "u6"}, "unknown fold 'u6'.*u1, u2.*both5"),
        ({"protocol": "as_published", "refit": True}, "no validation ratings to refit on"),
    ],
)
def test_what_cannot_be_run_is_told(wrong, what):
    with pytest.raises(StudyError, match=what):
        Experiment(**{"model": MEAN.model, "seed": 0, **wrong})


def test_a_movie_is_represented_by_its_modalities_and_not_by_what_users_are_made_of():
    assert siamese("text", "audio").item_features == ("text", "audio")
    assert machine("text", "meta").item_features == ("meta", "text")
    assert MEAN.item_features == VECTORS.item_features == ()


# --- the hash -----------------------------------------------------------------------------------


def test_a_hash_depends_on_every_field_of_the_experiment(data):
    text = siamese("text")
    longer = replace(text.model, training=replace(tiny.TRAINING, epochs=3))
    variants = [
        siamese("text", seed=1),
        siamese("audio"),
        siamese("text", "audio"),
        siamese("text", features="permuted"),
        siamese("text", fold="u2"),
        siamese("text", fold="item2"),
        siamese("text", fold="item2", support_size=0),
        siamese("text", fold="item2", support_size=5),
        *(siamese("text", protocol=name) for name in protocols.PROTOCOLS),
        replace(text, model=replace(text.model, user_vectors_from="text")),
        siamese("text", masking=0.8),
        replace(text, model=longer),
        *EVERYTHING.values(),
    ]
    assert len({experiment_hash(e, data) for e in variants}) == len(variants)
    assert experiment_hash(siamese("text"), data) == experiment_hash(text, data)


def test_a_hash_depends_on_the_features_it_reads_and_no_others(data):
    kinds = {
        "text": siamese("text"),
        "audio": siamese("audio"),
        "ratings": VECTORS,
        "mean": MEAN,
        "machine": machine("text"),
        "machine of audio": machine("audio"),
    }

    def moved(name: str, table) -> set[str]:
        changed = replace(data, tables={**data.tables, name: table})
        return {
            k for k, e in kinds.items() if experiment_hash(e, data) != experiment_hash(e, changed)
        }

    assert moved("text", tiny.table("text", 8, 36, seed=1)) == {"text", "machine"}
    meta = tiny.table("meta", 12, 40, parts=tiny.META_PARTS, seed=1)
    assert moved("meta", meta) == {"text", "audio"}, "user vectors are means of meta in every row"


def one_rating(ratings):
    return ratings.assign(rating=ratings["rating"].where(ratings.index > 0, 1 + ratings["rating"]))


def moved_rows(ratings):
    """The same ratings at other places of the data set: in other folds."""
    return ratings.set_index(pd.Index(ratings.index.to_numpy()[::-1], name="row"))


def reordered(ratings):
    """The same ratings in the same folds, but the random parts would fall on others."""
    return ratings.iloc[::-1]


@pytest.mark.parametrize("change", [one_rating, moved_rows, reordered])
@pytest.mark.parametrize("experiment", [MEAN, VECTORS], ids=["mean", "vectors"])
def test_a_hash_depends_on_every_rating_and_its_place(data, experiment, change):
    changed = replace(data, ratings=change(data.ratings))
    assert experiment_hash(experiment, data) != experiment_hash(experiment, changed)


@pytest.mark.parametrize("fold", ["u1", "item1"])
def test_a_hash_depends_on_which_ids_are_one_film(data, fold):
    twins = data.films.where(data.films != data.films.iloc[1], data.films.iloc[0])
    assert twins.nunique() == data.films.nunique() - 1
    before, after = (
        experiment_hash(siamese("text", fold=fold), some)
        for some in (data, replace(data, films=twins))
    )
    assert before != after


def test_a_hash_depends_on_what_is_known_of_the_users(data):
    older = replace(data, users=data.users.assign(age=data.users["age"] + 1))
    assert experiment_hash(machine(), data) != experiment_hash(machine(), older)


def test_an_unknown_table_has_no_hash(data):
    with pytest.raises(
        StudyError, match=r"no 'smell' features.*There are: audio, meta, text, video.*notebook"
    ):
        experiment_hash(siamese("meta", "smell"), data)


def test_changed_files_are_read_again_and_parts_of_interrupted_writes_never(tmp_path):
    made = tiny.workspace(tmp_path)
    before = load(made)
    assert load(made) is before
    tiny.change_ratings(made, lambda ratings: 6 - ratings, test=True)
    assert experiment_hash(MEAN, load(made)) != experiment_hash(MEAN, before)
    (made.features / ".text.17.part.parquet").write_bytes(b"PAR1 half a file")
    (made.catalogue / ".movies.17.part.parquet").write_bytes(b"PAR1 half a file")
    assert set(load(made).tables) == {"audio", "meta", "text", "video"}


def test_a_table_without_a_movie_is_no_input(tmp_path):
    made = tiny.workspace(tmp_path)
    nothing = FeatureTable("imdb", [], np.zeros((0, 2), np.float32), {"encoder": "none"})
    nothing.save(made.features / "imdb.parquet")
    assert "imdb" not in load(made).tables


# --- the code behind a result -------------------------------------------------------------------


def closures() -> dict[str, set[str]]:
    """Kind of experiment -> names of the files whose code its result depends on."""
    return {
        kind: {
            file.relative_to(provenance.ROOT).as_posix()
            for file in provenance.closure([type(experiment.model).__module__, EXECUTION])
        }
        for kind, experiment in EVERYTHING.items()
    }


def test_a_change_of_any_code_renames_the_results_that_depend_on_it_and_no_others(
    data, monkeypatch
):
    """Over all modules; that any function's change is one, and no comment's, is tested there."""
    monkeypatch.setattr(provenance, "libraries", lambda files: {})  # slow, and tested below
    monkeypatch.setattr(
        spec, "code_digest", lambda *names: provenance._code_digest.__wrapped__(names)
    )
    kinds = {type(experiment.model).__module__: kind for kind, experiment in EVERYTHING.items()}
    syntax, of_kind = provenance._syntax, closures()
    before = {kind: experiment_hash(EVERYTHING[kind], data) for kind in kinds.values()}
    for changed in sorted(set().union(*of_kind.values())):
        monkeypatch.setattr(
            provenance,
            "_syntax",
            lambda file, of=provenance.ROOT / changed: "new" if file == of else syntax(file),
        )
        for kind in kinds.values():
            renamed = experiment_hash(EVERYTHING[kind], data) != before[kind]
            assert renamed == (changed in of_kind[kind]), (changed, kind)


def test_what_defines_folds_tables_and_execution_is_in_every_closure():
    common = set.intersection(*closures().values())
    assert common >= {
        "mmrec/catalogue/movielens.py",
        "mmrec/features/table.py",
        "mmrec/models/base.py",
        "mmrec/experiments/execution.py",
        *(f"mmrec/evaluation/{name}.py" for name in ("control", "folds", "metrics", "protocols")),
    }


def test_the_code_of_one_model_is_in_no_other_models_closure():
    of_kind = closures()
    owners = {
        "mmrec/models/training.py": ("siamese", "rating vectors"),
        "mmrec/models/factorisation_machine.py": ("FM",),
        "mmrec/models/matrix_factorisation.py": ("matrix factorisation",),
        "mmrec/models/implicit.py": ("EASE", "iALS", "BPR", "LightGCN"),
    }
    for file, kinds in owners.items():
        assert {kind for kind, files in of_kind.items() if file in files} == {
            kind for kind in of_kind if kind.startswith(kinds)
        }


def test_a_hash_depends_on_the_versions_of_libraries(data, monkeypatch):
    before, real = experiment_hash(MEAN, data), provenance.metadata.version
    digest = provenance._code_digest.__wrapped__
    monkeypatch.setattr(spec, "code_digest", lambda *names: digest(tuple(sorted(names))))
    assert experiment_hash(MEAN, data) == before
    monkeypatch.setattr(
        provenance.metadata, "version", lambda name: "9.9" if name == "pandas" else real(name)
    )
    assert experiment_hash(MEAN, data) != before


def test_a_hash_depends_on_the_number_format(data, monkeypatch):
    before = experiment_hash(MEAN, data)
    monkeypatch.setattr(spec, "_precision", lambda: "cuda bfloat16")
    assert experiment_hash(MEAN, data) != before


def test_no_code_of_the_catalogues_making_is_behind_a_result():
    """What was read is in the hash by its content; hours of training need not follow its code."""
    for files in closures().values():
        assert not {Path(file).parent.name for file in files} & {"providers", "media", "graph"}
