"""Exports: formats as their libraries read them, and nothing passed on that may not be."""

import hashlib
import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import made_runs
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import tiny
import yaml
from lenskit.data import Dataset, ItemListCollection

from mmrec import cli, commands_page
from mmrec.catalogue import own, tables
from mmrec.catalogue.providers import open_data
from mmrec.commands import export as command
from mmrec.errors import StudyError
from mmrec.evaluation.folds import divide
from mmrec.experiments import store
from mmrec.exporting import contents, mmrec_toolbox, output, recbole, schema, terms
from mmrec.features.table import FeatureTable
from mmrec.open_data import PATH as OPEN_DATA
from mmrec.workspace import PROJECT, Workspace

PRIVATE = "A sentence of IMDb's that nobody may pass on."
PROVENANCE = {"text": "IMDb storylines of 36 movies", "video": "posters of 25 movies"}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """The tiny workspace as one of MovieLens', with texts, names and open features."""
    made = tiny.workspace(tmp_path_factory.mktemp("export"))
    rows = []
    for place, movie_id in enumerate(tiny.movie_ids().tolist()):
        ours = place % 2 == 0
        rows.append(
            {
                "movie_id": movie_id,
                "title": ['=2+2 "quoted"\tand cut', "None", "Été <b>"][place % 3],
                "year": 1990 + place % 9,
                "genres": ["Comedy", "Sci-Fi"] if place % 4 else [],
                "imdb_id": f"tt{movie_id:07d}",
                "summary": "An open plot." if ours else PRIVATE,
                "summary_source": "open" if ours else "imdb",
                "directors": ["Ann Lee", "Bo Ek"],
                "directors_source": "published",
                "cast": ["Cy Ra"] if place % 3 else [],
                "cast_source": "published",
                "match_status": "verified",
                "match_reason": "the director agrees",
                "runtime_minutes": 90.0,
                "trailer_youtube_id": "abcdefghijk",
                "poster": "a.jpg",
                "imdb_rating": 7.5 if place % 5 else None,
                "imdb_rating_source": "published" if place % 5 else None,
            }
        )
    tables.movies_table(rows).to_parquet(made.catalogue / "movies.parquet")
    (made.catalogue / "sources.json").write_text('{"ml-100k": {}, "open-data": {}}')
    for name, source in PROVENANCE.items():
        path = made.features / f"{name}.parquet"
        table = FeatureTable.load(path)
        replace(table, provenance={**table.provenance, "source": source}).save(path)
    open_parts = {"triples": slice(0, 3), "genres": slice(3, 5)}
    mixed = tiny.table("meta-open", 5, 20, parts=open_parts)
    mixed = replace(mixed, provenance={"source": "open synopses of 20 movies"})
    mixed.save(made.features / "meta-open.parquet")
    ours = replace(tiny.table("text-open", 4, 20), provenance=mixed.provenance)
    ours.save(made.features / "text-open.parquet")
    runs = [
        made_runs.run_row(made, name, made_runs.off_by(error, made_runs.ratings_of("u1")), row=name)
        for name, error in (("aa", 0.5), ("bb", 0.8))
    ]
    store.file_runs("table1", pd.DataFrame(runs), made)
    return made


@pytest.fixture(scope="module")
def exported(workspace, tmp_path_factory):
    """Format → folder of its export, written once."""
    root, done = tmp_path_factory.mktemp("exports"), {}

    def get(form: str, shareable: bool = False) -> Path:
        if (form, shareable) not in done:
            folder = root / f"{form}-{shareable}"
            gathered = contents.collect(workspace, folds=["u1", "item1"], shareable=shareable)
            with output.create(folder, gathered, form=form, shareable=shareable) as out:
                command._writers()[form](out)
            done[form, shareable] = folder
        return done[form, shareable]

    return get


def films() -> pd.Series:
    return pd.Series(tiny.movie_ids(), tiny.movie_ids())


def pairs(table: pd.DataFrame, user="user_id", item="movie_id") -> set:
    return set(zip(table[user].astype(int), table[item].astype(int), strict=True))


def expected(fold: str, role: str) -> set:
    ratings = tiny.ratings()
    roles = divide(ratings, films(), fold=fold, seed=0)
    return pairs(ratings[getattr(roles, role)])


def test_every_format_has_a_writer():
    assert set(command._writers()) == set(command.FORMATS)


# What every export has in common


@pytest.mark.parametrize("form", command.FORMATS)
@pytest.mark.parametrize("shareable", [False, True])
def test_the_manifest_lists_every_file_with_its_terms(exported, form, shareable):
    folder = exported(form, shareable)
    manifest = json.loads((folder / "MANIFEST.json").read_text())
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    listed = {one["path"]: one for one in manifest["files"]}
    assert there == set(listed) | {"MANIFEST.json", "LICENCES.md"}
    told = {one["source"]: one["may_be_redistributed"] for one in manifest["terms"]}
    for name, one in listed.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == one["sha256"]
        assert one["may_be_redistributed"] == all(told[source] for source in one["sources"])
    words = (folder / "LICENCES.md").read_text()
    assert all(f"`{name}`" in words for name in listed)
    assert ("MAY NOT BE PASSED ON" in words) is not shareable
    assert all(one["may_be_redistributed"] for one in manifest["files"]) is shareable
    assert bool(manifest["left_out"]) is shareable


@pytest.mark.parametrize("form", command.FORMATS)
def test_what_may_not_be_passed_on_is_in_no_byte_of_a_shareable_export(exported, form):
    def holds(folder: Path) -> list[str]:
        files = [path for path in folder.rglob("*") if path.is_file()]
        return [path.name for path in files if PRIVATE.encode() in path.read_bytes()]

    if form not in ("parquet", "mmrec-toolbox", "lenskit"):  # these compress, or have no texts
        assert holds(exported(form))
    assert not holds(exported(form, shareable=True))
    names = " ".join(path.name for path in exported(form, shareable=True).rglob("*"))
    assert not any(word in names for word in ("rating", "user", "inter", "u1", "prediction", ".py"))


def test_a_shareable_catalogue_is_that_of_the_open_data(exported):
    found = pd.read_parquet(exported("parquet", shareable=True) / "movies.parquet")
    ours = schema_of_open_data().loc[found["movie_id"]]
    assert set(found["movie_id"]) == set(tiny.movie_ids()) & set(schema_of_open_data().index)
    for name in ("title", "summary"):
        assert found[name].tolist() == ours[name].tolist()
    assert found["imdb_rating"].isna().all()
    assert found["imdb_id"].isna().all()
    assert all(len(genres) == 0 for genres in found["genres"])


def test_of_mixed_features_the_open_part_alone_is_passed_on(exported):
    folder = exported("parquet", shareable=True) / "features"
    assert {path.stem for path in folder.iterdir()} == {"meta-open", "text-open"}
    table = FeatureTable.load(folder / "meta-open.parquet")
    assert list(table.parts) == ["triples"]
    whole = FeatureTable.load(exported("parquet") / "features" / "meta-open.parquet")
    assert np.array_equal(table.matrix(whole.movie_ids)[0], whole.vectors[:, :3])


def schema_of_open_data() -> pd.DataFrame:
    return open_data.read(OPEN_DATA)


@pytest.mark.parametrize(
    ("source", "parts", "shareable"),
    [
        ("open synopses of 1,120 movies", None, True),
        ("IMDb storylines of 1,506 movies, open synopses of 98 movies", None, False),
        ("wikipedia of 12 movies", None, True),
        ("posters of 866 movies", None, False),
        ("my own notes of 3 movies", None, False),
        ("Freebase, 63,687 facts; 1,313 of 1,682 movies linked", None, False),
        ("open synopses of 3 movies", {"toy": slice(0, 1), "rating": slice(1, 2)}, False),
        ("open synopses of 3 movies", {"toy": slice(0, 1), "genres": slice(1, 2)}, False),
    ],
)
def test_vectors_have_the_terms_of_what_they_describe(workspace, source, parts, shareable):
    table = replace(tiny.table("toy", 2, 5, parts=parts), provenance={"source": source})
    found = terms.of_features(table, contents._whole(tables.load(workspace)))
    assert all(terms.all_shareable(some) for some in found.values()) is shareable


def test_every_provider_of_the_package_has_terms():
    folders = [PROJECT / "mmrec" / room / "providers" for room in ("catalogue", "enrichment")]
    names = {
        line.split('"')[1]
        for folder in folders
        for path in folder.glob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.startswith('    name = "')
    }
    assert len(names) >= 5
    assert names <= set(terms.PROVIDERS)


def test_a_folder_with_other_files_is_never_touched(workspace, tmp_path):
    gathered = contents.collect(workspace, features=["text"], folds=["u1"], tables_of_runs=[])

    def write():
        with output.create(tmp_path / "out", gathered, form="csv", shareable=False) as out:
            command._writers()["csv"](out)

    write()
    write()  # an earlier export is replaced
    (tmp_path / "out" / "mine.txt").write_text("dear")
    with pytest.raises(StudyError, match=r"no export has written, mine\.txt"):
        write()
    assert (tmp_path / "out" / "mine.txt").read_text() == "dear"


def test_a_failed_export_leaves_the_earlier_one(workspace, tmp_path):
    gathered = contents.collect(workspace, features=["text"], folds=["u1"], tables_of_runs=[])
    with output.create(tmp_path / "out", gathered, form="csv", shareable=False) as out:
        out.text("a.txt", "first", "first")

    def fail():
        with output.create(tmp_path / "out", gathered, form="csv", shareable=False) as out:
            out.text("a.txt", "second", "second")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert (tmp_path / "out" / "a.txt").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


# Plain tables


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_plain_tables_have_the_columns_of_the_schema(exported, form):
    folder = exported(form)
    read = pd.read_parquet if form == "parquet" else pd.read_csv
    for name, columns in schema.SCHEMA.items():
        if name in ("credits", "movie_ids", "user_ids"):
            continue  # of films of one's own alone
        (path, *_) = sorted(folder.glob(f"{name.split('{')[0]}*.{form}"))
        there = list(read(path).columns)
        fixed = [one.name for one in columns if "{" not in one.name]
        assert [column for column in there if column in fixed] == (
            fixed if form == "parquet" else [column for column in fixed if column != "vector"]
        )
        assert (len(there) > len(fixed)) is any("{" in one.name for one in columns)


def test_parquet_has_the_types_of_the_schema(exported):
    kinds = {"large_string": "string", "list<element: string>": "list of string"}
    kinds["fixed_size_list<element: float>"] = "list of float"
    for name, columns in schema.SCHEMA.items():
        for path in exported("parquet").glob(f"{name.split('{')[0]}*.parquet"):
            for field in pq.read_schema(path):
                (column,) = [one for one in columns if one.name == field.name] or [None]
                said = re.sub(r"\[\d+\]", "", str(field.type)).replace("item:", "element:")
                if column and said != "null":
                    assert kinds.get(said, said) == column.kind, (path.name, field.name)


def test_the_page_of_the_book_has_the_schema():
    page = (PROJECT / "book" / "exports.md").read_text(encoding="utf-8")
    assert schema.page() in page
    assert all(f"`{form}`" in page for form in command.FORMATS)


def test_folds_and_predictions_of_csv_are_those_of_the_study(exported):
    folder = exported("csv")
    folds = pd.read_csv(folder / "folds.csv")
    ratings = pd.read_csv(folder / "ratings.csv")
    assert folds["row"].tolist() == ratings["row"].tolist() == tiny.ratings().index.tolist()
    for fold in ("u1", "item1"):
        for role in contents.ROLES:
            assert pairs(ratings[folds[fold] == role]) == expected(fold, role)
    new = pd.read_csv(folder / "new_movies.csv")
    assert set(new["movie_id"]) == {movie for _, movie in expected("item1", "test")}
    predictions = pd.read_csv(folder / "predictions" / "bb.csv")
    assert pairs(predictions) == expected("u1", "test")
    assert predictions["prediction"].tolist() == pytest.approx(
        made_runs.off_by(0.8, made_runs.ratings_of("u1"))
    )


def test_csv_is_safe_to_open_in_a_spreadsheet(exported):
    found = pd.read_csv(exported("csv") / "movies.csv", keep_default_na=False)
    assert found["title"][0] == '\'=2+2 "quoted"\tand cut'
    assert found["genres"][1] == "Comedy|Sci-Fi"
    plain = pd.read_parquet(exported("parquet") / "movies.parquet")
    assert plain["title"][0] == '=2+2 "quoted"\tand cut'


def test_vectors_of_csv_are_the_tables_own(exported, workspace):
    found = pd.read_csv(exported("csv") / "features" / "meta-open.csv")
    table = FeatureTable.load(workspace.features / "meta-open.parquet")
    assert list(found.columns) == [
        *("movie_id", "has_triples", "has_genres"),
        *(f"triples_{i}" for i in range(3)),
        *(f"genres_{i}" for i in range(2)),
    ]
    assert np.allclose(found.iloc[:, 3:], table.vectors, rtol=1e-6)
    assert (found[["has_triples", "has_genres"]].to_numpy() == table.part_present).all()


# RecBole


def atomic(path: Path) -> pd.DataFrame:
    """As RecBole reads an atomic file."""
    return pd.read_csv(path, delimiter="\t", engine="python", dtype=str)


def test_atomic_files_have_types_and_the_folds(exported):
    folder = exported("recbole") / "tiny"
    for path in folder.iterdir():
        names = atomic(path).columns
        assert all(name.count(":") == 1 for name in names), path.name
        assert {name.split(":")[1] for name in names} <= {
            "token", "token_seq", "float", "float_seq"
        }  # fmt: skip
    whole = atomic(folder / "tiny.inter")
    assert len(whole) == tiny.N_PAIRS
    for fold in ("u1", "item1"):
        for part, role in recbole.PARTS.items():
            found = atomic(folder / f"tiny.{fold}.{part}.inter")
            assert pairs(found, "user_id:token", "item_id:token") == expected(fold, role)
    settings = yaml.safe_load((exported("recbole") / "recbole.yaml").read_text())
    assert settings["benchmark_filename"] == ["u1.train", "u1.valid", "u1.test"]
    assert settings["dataset"] == "tiny"


def test_tokens_survive_tabs_quotes_and_blanks(exported):
    items = atomic(exported("recbole") / "tiny" / "tiny.item")
    assert len(items) == tiny.N_MOVIES
    assert items["movie_title:token_seq"][0] == '=2+2 "quoted" and cut'
    assert items["directors:token_seq"][0] == "Ann_Lee Bo_Ek"
    assert items["class:token_seq"][1] == "Comedy Sci-Fi"


def test_vectors_of_recbole_are_the_tables_own(exported, workspace):
    found = atomic(exported("recbole") / "tiny" / "tiny.text_open")
    table = FeatureTable.load(workspace.features / "text-open.parquet")
    vectors = [[float(part) for part in text.split(" ")] for text in found.iloc[:, 1]]
    assert found.columns.tolist() == ["text_open_id:token", "text_open_vector:float_seq"]
    assert np.array_equal(np.array(vectors, np.float32), table.vectors)


# Cornac


def test_cornac_has_a_row_for_every_movie(exported, workspace):
    folder = exported("cornac")
    ids = [int(line) for line in (folder / "items.txt").read_text().split()]
    table = FeatureTable.load(workspace.features / "video.parquet")
    vectors, known = (np.load(folder / "features" / f"video{end}.npy") for end in ("", ".known"))
    assert ids == tiny.movie_ids().tolist()
    assert np.array_equal(vectors, table.matrix(ids)[0])
    assert known.sum() == len(table.movie_ids)
    for part, role in recbole.PARTS.items():
        lines = pd.read_csv(folder / "folds" / f"u1.{part}.tsv", sep="\t", header=None)
        assert pairs(lines, 0, 1) == expected("u1", role)
        assert lines.shape[1] == 4


# MMRec


@pytest.mark.parametrize("fold", ["u1", "item1"])
def test_the_toolbox_counts_users_and_movies_right(exported, fold):
    base = exported("mmrec-toolbox") / "data" / "tiny"
    interactions = pd.read_csv(base / f"tiny.{fold}.inter", sep="\t")
    movies = pd.read_csv(base / "i_id_mapping.csv", sep="\t").set_index("itemID")["movie_id"]
    users = pd.read_csv(base / "u_id_mapping.csv", sep="\t").set_index("userID")["user_id"]
    assert list(interactions) == ["userID", "itemID", "rating", "timestamp", "x_label"]
    assert interactions["itemID"].max() + 1 == len(movies) == tiny.N_MOVIES
    assert interactions["userID"].max() + 1 == len(users) == tiny.N_USERS
    for number, role in enumerate(contents.ROLES):
        found = interactions[interactions["x_label"] == number]
        named = {"u": found["userID"].map(users), "m": found["itemID"].map(movies)}
        assert pairs(pd.DataFrame(named), "u", "m") == expected(fold, role)


def test_vectors_of_the_toolbox_follow_its_numbers_and_none_is_zero(exported, workspace):
    base = exported("mmrec-toolbox") / "data" / "tiny"
    mapping = pd.read_csv(base / "i_id_mapping.csv", sep="\t")
    vectors = np.load(base / mmrec_toolbox.FILES["video"])
    table = FeatureTable.load(workspace.features / "video.parquet")
    known = mapping["has_video"].to_numpy(bool)
    assert np.array_equal(vectors[known], table.matrix(mapping["movie_id"])[0][known])
    assert known.sum() == len(table.movie_ids) < len(mapping)
    assert np.allclose(vectors[~known], table.vectors.mean(axis=0), atol=1e-5)
    settings = yaml.safe_load(
        (base.parents[1] / "src" / "configs" / "dataset" / "tiny.yaml").read_text()
    )
    assert (base / settings["inter_file_name"]).exists()
    assert (base / settings["vision_feature_file"]).exists()


# LensKit


def test_lenskit_loads_the_data_set_with_its_vectors(exported, workspace):
    data = Dataset.load(exported("lenskit") / "dataset")
    assert (data.user_count, data.item_count) == (tiny.N_USERS, tiny.N_MOVIES)
    found = data.interactions("rating").pandas(ids=True)
    assert pairs(found, "user_id", "item_id") == pairs(tiny.ratings())
    table = FeatureTable.load(workspace.features / "text-open.parquet")
    vectors = data.entities("item").select(ids=table.movie_ids).attribute("vector_text_open")
    assert np.array_equal(vectors.numpy(), table.vectors)
    for role in contents.ROLES:
        lists = ItemListCollection.load_parquet(
            exported("lenskit") / "folds" / f"item1.{role}.parquet"
        )
        assert pairs(lists.to_df(), "user_id", "item_id") == expected("item1", role)
    scores = ItemListCollection.load_parquet(exported("lenskit") / "predictions" / "aa.parquet")
    assert len(scores.to_df()) == len(expected("u1", "test"))


# The libraries themselves


def run_script(python: str, script: Path, *arguments: str) -> str:
    """What a script of an export prints, run by an interpreter that has the library."""
    done = subprocess.run(
        [python, script.name, *arguments],
        cwd=script.parent,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout + done.stderr


def interpreter(library: str) -> str:
    """The interpreter that has a library: the one that the environment names, or this one."""
    named = os.environ.get(f"MMREC_TEST_{library.upper()}")
    if named:
        return named
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"no {library} here: set MMREC_TEST_{library.upper()} to a python that has it")
    return sys.executable


def test_lenskit_trains_on_its_export(exported):
    script = exported("lenskit") / "train_lenskit.py"
    said = run_script(interpreter("lenskit"), script, "--fold", "item1")
    assert f"item1: {len(expected('item1', 'train'))} ratings to learn from" in said
    assert "RMSE" in said
    assert "NDCG" in said


def test_recbole_trains_on_its_export(exported):
    script = exported("recbole") / "train_recbole.py"
    said = run_script(interpreter("recbole"), script, "BPR", "1")
    assert f"The number of users: {tiny.N_USERS + 1}" in said
    assert "epoch 0 training" in said
    assert "test {'recall@10'" in said


def test_recbole_loads_the_vectors(exported, workspace):
    table = FeatureTable.load(workspace.features / "text-open.parquet")
    code = f"""
import numpy as np
from recbole.config import Config
from recbole.data import create_dataset
folder = {str(exported("recbole"))!r}
more = {{"data_path": folder, "additional_feat_suffix": ["text_open"],
         "alias_of_item_id": ["text_open_id"],
         "preload_weight": {{"text_open_id": "text_open_vector"}},
         "load_col": {{"inter": ["user_id", "item_id", "rating"],
                      "text_open": ["text_open_id", "text_open_vector"]}}}}
config = Config(model="BPR", config_file_list=[folder + "/recbole.yaml"], config_dict=more)
data = create_dataset(config)
number = data.token2id("text_open_id", "{table.movie_ids[3]}")
print("vector", data.get_preload_weight("text_open_id")[number].tolist())
"""
    script = exported("recbole").parent / "vectors.py"
    script.write_text(code)
    said = run_script(interpreter("recbole"), script)
    (line,) = [line for line in said.splitlines() if line.startswith("vector ")]
    assert np.allclose(json.loads(line.removeprefix("vector ")), table.vectors[3])


def test_cornac_trains_vbpr_on_its_export(exported):
    script = exported("cornac") / "train_vbpr.py"
    said = run_script(interpreter("cornac"), script, "--epochs", "1", "--features", "video")
    assert "VBPR" in said
    assert "NDCG@10" in said


# The command


def run(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["mmrec", "export", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code


def test_the_command_says_what_it_wrote_and_left_out(workspace, tmp_path, monkeypatch, capsys):
    out = tmp_path / "out"
    options = ("--features", "text,text-open", "--folds", "u1", "--tables", "none")
    assert run(monkeypatch, workspace.root, "--to", "csv", "--out", out, *options) == 0
    said = capsys.readouterr().out
    assert "40 movies, 625 ratings, 2 modalities, 1 folds, 0 runs' predictions" in said
    assert "may not be passed on: what is of MovieLens-100K" in said
    assert not (out / "predictions").exists()
    options = (*options, "--shareable")
    assert run(monkeypatch, workspace.root, "--to", "csv", "--out", out, *options) == 0
    said = capsys.readouterr().out
    assert "left out: ratings (MovieLens-100K" in said
    assert "left out: features text, text (IMDb" in said
    assert "all of it may be passed on" in said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--features", "smell"), "there are no features 'smell'. There are: "),
        (("--folds", "u9"), "unknown fold 'u9'"),
        (("--tables", "table9"), "there is no table 'table9'. There are: table1"),
        (("--seed", "-1"), "-1 is no seed"),
    ],
)
def test_what_does_not_exist_is_one_clear_line(workspace, tmp_path, monkeypatch, options, said):
    out = tmp_path / "out"
    line = run(monkeypatch, workspace.root, "--to", "csv", "--out", out, *options)
    assert said in line
    assert "\n" not in line
    assert not out.exists()


def test_a_workspace_that_is_none(tmp_path, monkeypatch):
    line = run(monkeypatch, tmp_path / "nowhere", "--to", "csv", "--out", tmp_path / "out")
    assert "neither a profile that was run nor a folder with a catalogue" in line


def test_a_list_of_your_own_has_terms_of_its_own(workspace, tmp_path):
    made = Workspace(tmp_path / "own", tmp_path)
    shutil.copytree(workspace.root, made.root)
    (made.catalogue / "sources.json").write_text("{}")
    whole = contents.collect(made)
    assert {fold for fold in whole.folds if fold.removeprefix("check-")[0] == "u"} >= {"check-u1"}
    assert not {"u1", "u2"} & set(whole.folds)
    shared = contents.collect(made, shareable=True)
    assert shared.ratings is None
    assert shared.movies["title"].tolist() == whole.movies["title"].tolist()
    assert set(shared.movies["summary"].dropna()) == {"An open plot."}
    assert shared.movies["imdb_id"].isna().all()
    assert not shared.movies["genres"].map(len).any()  # whose they are is not known
    assert whole.movies["genres"].map(len).any()
    left_out = {(one.what, one.why.split(":")[0]) for one in shared.left_out}
    for what in ("fields of movies", "features meta-open, genres"):
        assert (what, terms.OWN_GENRES.source) in left_out
    assert list(shared.features["meta-open"].parts) == ["triples"]
    assert terms.all_shareable(one for some in shared.terms.values() for one in some)


def test_credits_travel_with_an_enriched_list(workspace, tmp_path):
    made = Workspace(tmp_path / "own", tmp_path)
    shutil.copytree(workspace.root, made.root)
    first = int(tiny.movie_ids()[0])
    matches = pd.DataFrame(
        {
            "movie_id": [first, first],
            "provider": ["wikipedia", "imdb"],
            "title": ["A", "B"],
            "year": [1990, 1991],
            "status": ["verified", "rejected"],
            "confidence": [1.0, 0.1],
            "reason": ["", ""],
            "source": ["https://example.org/?oldid=7", "x"],
            "licence": ["CC BY-SA 4.0", "none"],
        }
    )
    matches.to_csv(made.root / "matches.csv", index=False)
    found = contents.collect(made, folds=[], tables_of_runs=[]).companions["credits"]
    assert found.to_dict("records") == [
        {
            "movie_id": first,
            "provider": "wikipedia",
            "source": "https://example.org/?oldid=7",
            "licence": "CC BY-SA 4.0",
        }
    ]


def test_own_ids_travel_with_every_format(workspace, tmp_path):
    made = Workspace(tmp_path / "own", tmp_path)
    shutil.copytree(workspace.root, made.root)
    (made.catalogue / "sources.json").write_text("{}")
    ids = tiny.movie_ids()
    numbers = {"movie_id": ids, "id": [f"film {n}" for n in ids], "title": "A", "year": 1990}
    users = pd.DataFrame({"user_id": [1, 2], "id": ["ann", "bo"]})
    none = pd.DataFrame({"movie_id": [], "kind": [], "path": []})
    own.save(own.Own(pd.DataFrame(numbers), users, none), made)
    for shareable in (False, True):
        gathered = contents.collect(made, features=[], folds=["item1"], shareable=shareable)
        folder = tmp_path / f"out-{shareable}"
        with output.create(folder, gathered, form="cornac", shareable=shareable) as out:
            command._writers()["cornac"](out)
        found = pd.read_csv(folder / "movie_ids.csv")
        assert found["id"].tolist() == numbers["id"]
        assert (folder / "user_ids.csv").exists() is not shareable


@pytest.mark.parametrize("line", commands_page.subcommands()["export"].get_default("examples"))
def test_the_examples_of_the_help_run_as_they_stand(workspace, tmp_path, monkeypatch, line):
    monkeypatch.setenv("MMREC_BUILD", str(tmp_path / "build"))
    monkeypatch.chdir(tmp_path)
    for place in (tmp_path / "build" / "paper", tmp_path / "my_movies"):
        shutil.copytree(workspace.root, place)
    arguments = shlex.split(line)[2:]
    assert run(monkeypatch, *arguments) == 0
    assert (tmp_path / arguments[arguments.index("--out") + 1] / "MANIFEST.json").exists()
