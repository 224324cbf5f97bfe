"""An export for the MMRec toolbox is what the toolbox reads; see `toolbox`."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import tiny
import toolbox
import yaml

from mmrec import cli
from mmrec.evaluation.folds import FOLDS, divide
from mmrec.exporting import mmrec_toolbox
from mmrec.features.table import FeatureTable

RUN = [name for name, fold in FOLDS.items() if not fold.check and "user_id" not in fold.new]
"""Published and cold folds in which the toolbox can test: no user is new."""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    made = tiny.workspace(tmp_path_factory.mktemp("toolbox"))
    # As MovieLens', whose folds are the published ones.
    (made.catalogue / "sources.json").write_text('{"ml-100k": {}}')
    # A movie may be known, and of zeros: of its directors, none is shared with another movie.
    flags = tiny.table("directors", 4, 12)
    numbers = flags.vectors.copy()
    numbers[3] = 0
    replace(flags, vectors=numbers).save(made.features / "directors.parquet")
    return made


@pytest.fixture(scope="module")
def exported(workspace, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported") / "out"
    export(workspace, folder)
    return folder


def export(workspace, folder, *more: str) -> None:
    given = ["export", str(workspace.root), "--to", "mmrec-toolbox", "--out", str(folder), *more]
    options = cli.parser().parse_args(given)
    assert options.run(options) == 0


def in_fold(fold: str) -> dict[str, str]:
    return {"inter_file_name": f"tiny.{fold}.inter"}


@pytest.mark.parametrize("fold", RUN)
def test_the_toolbox_reads_every_fold_of_the_export(exported, fold):
    found = toolbox.read(exported, "tiny", **in_fold(fold))
    assert (found.n_users, found.n_items) == (tiny.N_USERS, tiny.N_MOVIES)
    films = pd.Series(tiny.movie_ids(), tiny.movie_ids())
    roles = divide(tiny.ratings(), films, fold=fold, seed=0)
    for part, flags in zip(toolbox.PARTS, (roles.train, roles.validation, roles.test), strict=True):
        assert len(found.parts[part]) == flags.sum()
    assert set(found.features) == {"vision_feature_file", "text_feature_file"}


def test_any_modality_can_take_the_place_of_pictures(exported, workspace):
    for path in sorted(workspace.features.glob("*.parquet")):
        name = mmrec_toolbox.FILES.get(path.stem, f"{path.stem}_feat.npy")
        found = toolbox.read(exported, "tiny", vision_feature_file=name)
        vectors = found.features["vision_feature_file"]
        assert vectors.shape == (tiny.N_MOVIES, FeatureTable.load(path).width)


def test_folds_that_the_toolbox_cannot_run_are_left_out_and_told(exported):
    files = {path.name for path in (exported / "data" / "tiny").glob("*.inter")}
    assert files == {f"tiny.{fold}.inter" for fold in RUN}
    left_out = json.loads((exported / "MANIFEST.json").read_text())["left_out"]
    told = {one["what"]: one["why"] for one in left_out}
    assert set(told) == {f"fold {kind}{n}" for kind in ("user", "both") for n in range(1, 6)}
    assert set(told.values()) == {
        "the toolbox drops users without training ratings, and no test ratings remain"
    }


def test_an_export_of_folds_that_cannot_be_run_alone_has_none(workspace, tmp_path, capsys):
    export(workspace, tmp_path / "out", "--folds", "user1")
    assert not list((tmp_path / "out").rglob("*.inter"))
    assert not (tmp_path / "out" / "src").exists()
    said = capsys.readouterr().out
    assert " 0 folds" in said
    assert "left out: fold user1 (the toolbox drops users" in said


def test_a_vector_of_zeros_counts_as_none(exported, workspace):
    base = exported / "data" / "tiny"
    mapping = pd.read_csv(base / "i_id_mapping.csv", sep="\t")
    table = FeatureTable.load(workspace.features / "directors.parquet")
    zero = mapping["movie_id"] == table.movie_ids[3]
    assert mapping.loc[zero, "has_directors"].tolist() == [0]
    assert mapping["has_directors"].sum() == len(table.movie_ids) - 1
    mean = np.delete(table.vectors, 3, axis=0).mean(axis=0)
    found = np.load(base / "directors_feat.npy")
    assert np.allclose(found[zero.to_numpy()], mean, atol=1e-5)


def test_the_settings_name_every_file_that_the_toolbox_asks_for(exported):
    path = exported / "src" / "configs" / "dataset" / "tiny.yaml"
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    named = {name: value for name, value in settings.items() if name.endswith(("_file", "_name"))}
    assert named == {
        "inter_file_name": "tiny.u1.inter",
        "vision_feature_file": "image_feat.npy",
        "text_feature_file": "text_feat.npy",
        "user_graph_dict_file": "user_graph_dict.npy",
    }
    assert settings["field_separator"] == "\t"


# The reader itself


SPOILT = {
    "a label": lambda rows: rows.assign(x_label=rows["x_label"].replace(1, 3)),
    "a gap": lambda rows: rows.assign(itemID=rows["itemID"].replace(0, 1)),
    "one movie more": lambda rows: rows.assign(itemID=rows["itemID"].replace(0, tiny.N_MOVIES)),
    "from one": lambda rows: rows.assign(userID=rows["userID"] + 1),
    "no column": lambda rows: rows.drop(columns="timestamp"),
    "a text": lambda rows: rows.assign(userID=rows["userID"].map("u{}".format)),
    "no test": lambda rows: rows[rows["x_label"] < 2],
    "new users alone": lambda rows: rows[(rows["x_label"] == 0) ^ (rows["userID"] == 0)],
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_the_reader_notices_rows_that_the_toolbox_cannot_use(exported, spoil):
    base = exported / "data" / "tiny"
    spoilt = base / "spoilt.inter"
    try:
        rows = spoil(pd.read_csv(base / "tiny.u1.inter", sep="\t"))
        rows.to_csv(spoilt, sep="\t", index=False)
        with pytest.raises(toolbox.UnusableError):
            toolbox.read(exported, "tiny", inter_file_name=spoilt.name)
    finally:
        spoilt.unlink()


@pytest.mark.parametrize(
    "vectors",
    [
        np.ones((tiny.N_MOVIES - 1, 3)),
        np.ones((tiny.N_MOVIES, 3), int),
        np.zeros((tiny.N_MOVIES, 3)),
        np.full((tiny.N_MOVIES, 3), np.nan),
    ],
)
def test_the_reader_notices_vectors_that_the_toolbox_cannot_use(tmp_path, vectors):
    np.save(tmp_path / "x.npy", vectors)
    with pytest.raises(toolbox.UnusableError):
        toolbox.vectors(tmp_path / "x.npy", tiny.N_MOVIES)
