"""Profiles are checked when they are read, and notebooks run with a profile's settings only."""

import ast
import json
import re
from pathlib import Path
from typing import get_args

import papermill
import pytest
import yaml
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st

from mmrec import settings
from mmrec.errors import StudyError
from mmrec.evaluation.folds import MAX_SUPPORT
from mmrec.experiments import beyond, cold_start, paper
from mmrec.experiments.content import LEVELS
from mmrec.settings import Settings
from mmrec.workspace import PROJECT


@pytest.fixture
def folder(tmp_path):
    """The reference profile, alone."""
    text = (settings.FOLDER / "paper.yaml").read_text(encoding="utf-8")
    (tmp_path / "paper.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def test_every_profile_is_valid():
    assert {"smoke", "quick", "whole", "paper", "extended"} <= set(settings.names())
    for name in settings.names():
        Settings.load(name)


def test_the_pages_state_the_size_of_a_first_run():
    quick = Settings.load("quick")
    users, movies = f"ratings of {quick.n_users} users", f"{quick.n_movies:,} most-rated movies"
    told = {"README.md": [users, movies], "book/how_to_rerun.md": [users, movies]}
    for page, sizes in {**told, "book/recommend.md": [users]}.items():
        text = (PROJECT / page).read_text(encoding="utf-8")
        assert [size for size in sizes if size not in text] == [], page


def test_a_profile_holds_only_what_it_changes(folder):
    reference = Settings.load("paper").model_dump()
    for name in set(settings.names()) - {"paper"}:
        ours = settings._read(settings.FOLDER / f"{name}.yaml")
        assert [key for key, value in ours.items() if reference[key] == value] == []
    (folder / "mine.yaml").write_text("profile: mine\nvalues:\n  epochs: 3\n")
    mine = Settings.load("mine", folder=folder).model_dump()
    assert mine == {**Settings.load("paper", folder=folder).model_dump(), "epochs": 3}


@pytest.mark.parametrize("name", ["papr", "x; touch hacked", "../profiles/paper", ""])
def test_unknown_profile_lists_those_there_are(folder, name):
    with pytest.raises(StudyError, match=r"no profile .*The profiles are: paper"):
        Settings.load(name, folder=folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("profile: mine\nvalues:\n  epoch: 3\n", r"line 3: epoch: unknown setting.*seeds, "),
        ("profile: mine\nvalues:\n  epochs: 3\n  epochs: 4\n", r"line 4: epochs is given twice"),
        ("profile: mine\nvalues:\n  epochs: '3'\n", r"line 3: epochs: '3' is not valid"),
        ("profile: mine\nvalues:\n  epochs: true\n", r"line 3: epochs: True is not valid"),
        ("profile: mine\nvalues:\n  epochs: 0\n", r"line 3: epochs: 0 is not valid .*greater"),
        ("profile: mine\nvalues:\n  seeds: []\n", r"line 3: seeds: \[\] is not valid"),
        ("profile: mine\nvalues:\n  seeds: [0, x]\n", r"line 3: seeds.1: 'x' is not valid"),
        ("profile: mine\nvalues:\n  cold_folds: {item: 6, user: 0, both: 0}\n", r"item: 6 is not"),
        ("profile: mine\nvalues:\n  fold: u6\n", r"fold: 'u6' is not valid .*'u5'"),
        ("profile: mine\nvalues:\n  margin: .nan\n", r"line 3: margin: nan is not valid"),
        (
            "profile: mine\nvalues:\n  cosine_weight: .inf\n",
            r"line 3: cosine_weight: inf is not valid .*finite",
        ),
        (
            "profile: mine\nvalues:\n  cold_inputs: [meta, known befor release]\n",
            r"line 3: cold_inputs.1: 'known befor release' is not valid .*'known before release'",
        ),
        (
            "profile: mine\nvalues:\n  beyond_tracks: [new_filmz]\n",
            r"line 3: beyond_tracks.0: 'new_filmz' is not valid .*'new_users'",
        ),
        (
            "profile: mine\nvalues:\n  ladder_rows: [metta]\n",
            r"line 3: ladder_rows.0: 'metta' is not valid .*'meta'",
        ),
        (
            "profile: mine\nvalues:\n  seeds: [0, 1, 0]\n",
            r"line 3: seeds: \[0, 1, 0\] is not valid \(0 is given twice\)",
        ),
        (
            "profile: mine\nvalues:\n  control_seeds: [2, 2]\n",
            r"line 3: control_seeds: \[2, 2\] is not valid \(2 is given twice\)",
        ),
        (
            "profile: mine\nvalues:\n  folds: [u1, u1]\n",
            r"line 3: folds: .* is not valid \('u1' is given twice\)",
        ),
        (
            "profile: mine\nvalues:\n  cold_seeds: {item: [0], user: [1, 1], both: [0]}\n",
            r"line 3: cold_seeds.user: \[1, 1\] is not valid \(1 is given twice\)",
        ),
        (
            "profile: mine\nvalues:\n  masking_levels: [0.5, 0.0]\n",
            r"line 3: masking_levels.1: 0.0 is not valid .*greater than 0",
        ),
        (
            "profile: mine\nvalues:\n  masking_levels: []\n",
            r"line 3: masking_levels: \[\] is not valid",
        ),
        (
            "profile: mine\nvalues:\n  curve_levels: [1.0]\n",
            r"line 3: curve_levels.0: 1.0 is not valid .*less than 1",
        ),
        (
            "profile: mine\nvalues:\n  support_sizes: [0, 60]\n",
            r"line 3: support_sizes.1: 60 is not valid .*less than or equal to 50",
        ),
        (
            "profile: mine\nvalues:\n  n_jobs: 0\n",
            r"line 3: n_jobs: 0 is not valid .*-1: one per core",
        ),
        (
            "profile: mine\nvalues:\n  seeds: !!python/object/apply:os.getcwd []\n",
            r"cannot be read",
        ),
        ("profile: mine\nepochs: 3\n", r"line 2: unknown key 'epochs'"),
        ("profile: mine\n", r"the key 'values' is missing"),
        ("profile: mine\nvalues: 3\n", r"line 2: `values` holds no settings"),
        ("profile: other\nvalues:\n  epochs: 3\n", r"line 1: profile is 'other'"),
        ("profile: [mine\n", r"cannot be read"),
        ("3\n", r"holds no settings"),
        ("", r"holds no settings"),
        ("? [1]\n: 2\n", r"line 1: a key that is no name"),
        ("profile: mine\nvalues:\n  ? {a: b}\n  : 2\n", r"line 3: a key that is no name"),
    ],
)
def test_a_wrong_profile_is_one_clear_line(folder, text, message):
    (folder / "mine.yaml").write_text(text)
    with pytest.raises(StudyError, match=message) as error:
        Settings.load("mine", folder=folder)
    assert "mine.yaml" in str(error.value)
    assert "\n" not in str(error.value)


def test_names_in_a_profile_are_those_of_the_experiments():
    """Settings know nothing of experiments, so the names stand twice."""
    assert get_args(settings.Row) == tuple(paper.ROWS)
    assert get_args(settings.ColdInput) == (*cold_start.TABLES, *LEVELS)
    assert get_args(settings.Track) == beyond.TRACKS


def test_as_many_ratings_can_be_given_back_as_the_folds_allow(folder):
    path = folder / "mine.yaml"
    path.write_text(f"profile: mine\nvalues:\n  support_sizes: [{MAX_SUPPORT}]\n")
    assert Settings.load("mine", folder=folder).support_sizes == [MAX_SUPPORT]
    path.write_text(f"profile: mine\nvalues:\n  support_sizes: [{MAX_SUPPORT + 1}]\n")
    with pytest.raises(StudyError, match="support_sizes"):
        Settings.load("mine", folder=folder)


REFERENCE = settings._read(settings.FOLDER / "paper.yaml")
VALID = st.fixed_dictionaries(
    {},
    optional={
        "n_users": st.integers(1, 943),
        "margin": st.floats(0, 0.49),
        "seeds": st.lists(st.integers(0, 2**31), min_size=1, max_size=4, unique=True),
        "fold": st.sampled_from(["u1", "u5"]),
        "masking_levels": st.lists(st.floats(0.01, 0.99), min_size=1, max_size=3, unique=True),
        "text_encoder": st.text("abc: #'\"{}[]é", min_size=1, max_size=8),
    },
)
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
QUICKLY = how(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@QUICKLY
@given(values=VALID)
def test_what_a_profile_holds_is_what_is_read(folder, values):
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump({"profile": "mine", "values": values}), encoding="utf-8")
    assert Settings.load("mine", folder=folder).model_dump() == {**REFERENCE, **values}
    assert Settings.load("mine", values, folder=folder) == Settings.load("mine", folder=folder)


@QUICKLY
@given(name=st.sampled_from(sorted(REFERENCE)), value=ODD)
def test_an_odd_value_is_accepted_as_it_is_or_refused_in_one_line(folder, name, value):
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump({"profile": "mine", "values": {name: value}}), encoding="utf-8")
    try:
        read = getattr(Settings.load("mine", folder=folder), name)
    except StudyError as error:
        said = str(error)
    else:
        said = ""
    assert not said or ("mine.yaml, line 3" in said and "\n" not in said)
    if not said:
        assert type(read) is type(value) or (type(read), type(value)) == (float, int)
        assert read == value


@QUICKLY
@given(text=st.text("ab:-[]{}#&*!|>'\" \n\t?", max_size=40))
def test_no_text_brings_the_reader_down(folder, text):
    (folder / "mine.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(StudyError, match=r"mine\.yaml"):
        Settings.load("mine", folder=folder)


def test_no_profile_has_the_name_of_the_committed_notebooks(folder):
    (folder / "reference.yaml").write_text("profile: reference\nvalues:\n  epochs: 3\n")
    with pytest.raises(StudyError, match=r"reference\.yaml: 'reference' means the committed note"):
        Settings.load("reference", folder=folder)


def test_a_setting_missing_from_the_reference_is_told_of_its_file(folder):
    path = folder / "paper.yaml"
    path.write_text(re.sub(r"  epochs:.*\n", "", path.read_text()))
    (folder / "mine.yaml").write_text("profile: mine\nvalues:\n  seeds: [0]\n")
    with pytest.raises(StudyError, match=r"paper\.yaml.*epochs: the setting is missing"):
        Settings.load("mine", folder=folder)


def test_a_notebook_given_other_values_than_its_profiles_is_refused():
    values = settings._read(settings.FOLDER / "smoke.yaml")
    assert Settings.load("smoke", values) == Settings.load("smoke")
    with pytest.raises(StudyError, match=r"smoke\.yaml: the notebook was given epochs: 25"):
        Settings.load("smoke", {**values, "epochs": 25})
    with pytest.raises(StudyError, match=r"given demo_movies: 1682.*a new name"):
        Settings.load("quick", settings._read(settings.FOLDER / "extended.yaml"))


def test_papermill_knows_every_key_of_every_profile(notebooks, tmp_path, caplog):
    """``papermill notebook.ipynb out.ipynb -f profiles/smoke.yaml`` passes nothing unknown."""
    for notebook in notebooks:
        declared = papermill.inspect_notebook(notebook)
        assert {
            name: (one["inferred_type_name"], one["default"]) for name, one in declared.items()
        } == {
            "profile": ("str", '"paper"'),
            "values": ("dict", "{}"),
        }
        for profile in settings.names():
            passed = papermill.iorw.read_yaml_file(str(settings.FOLDER / f"{profile}.yaml"))
            assert passed.keys() <= declared.keys()
    papermill.execute_notebook(
        notebooks[0], tmp_path / "out.ipynb", passed, prepare_only=True, progress_bar=False
    )
    assert "unknown parameter" not in caplog.text


def test_every_setting_is_read_by_a_notebook_and_every_one_read_exists(notebooks):
    assert _read_by(notebooks) == set(Settings.model_fields)


def test_every_notebook_takes_its_settings_from_its_profile(notebooks):
    """A notebook that forgot the call would run the wrong size in the profile's folder."""
    for notebook in notebooks:
        assert any("run = Settings.load(profile, values)" in cell for cell in _code(notebook))


def _code(notebook: Path) -> list[str]:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def _read_by(notebooks: list[Path]) -> set[str]:
    return {
        node.attr
        for notebook in notebooks
        for cell in _code(notebook)
        for node in ast.walk(ast.parse(cell))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "run"
    }
