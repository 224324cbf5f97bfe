"""Profiles are checked when they are read, and notebooks run with a profile's settings only."""

import ast
import json
import re
from pathlib import Path

import papermill
import pytest

from mmrec import settings
from mmrec.errors import StudyError
from mmrec.settings import Settings


@pytest.fixture
def folder(tmp_path):
    """The reference profile, alone."""
    text = (settings.FOLDER / "paper.yaml").read_text(encoding="utf-8")
    (tmp_path / "paper.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def test_every_profile_is_valid():
    assert {"smoke", "quick", "paper", "extended"} <= set(settings.names())
    for name in settings.names():
        Settings.load(name)


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
