"""The three lists of packages say the same."""

import os
import re
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

import mmrec
from mmrec.provenance import imports
from mmrec.study import added_pages

PROJECT = Path(__file__).resolve().parents[1]


@pytest.fixture
def pyproject() -> dict:
    return tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture
def citation() -> dict:
    return yaml.safe_load((PROJECT / "CITATION.cff").read_text(encoding="utf-8"))


@pytest.fixture
def declared(pyproject) -> dict[str, Requirement]:
    project = pyproject["project"]
    lines = project["dependencies"] + project["optional-dependencies"]["test"]
    return {Requirement(line).name: Requirement(line) for line in lines}


def _pip_lines() -> list[str]:
    environment = yaml.safe_load((PROJECT / "environment.yml").read_text(encoding="utf-8"))
    return next(line["pip"] for line in environment["dependencies"] if isinstance(line, dict))


def test_conda_environment_lists_the_declared_packages(declared):
    lines = [Requirement(line) for line in _pip_lines() if not line.startswith("-")]
    assert {line.name: line.specifier for line in lines} == {
        name: requirement.specifier for name, requirement in declared.items()
    }


def test_conda_environment_installs_the_project_in_tested_versions():
    assert {"-c constraints.txt", "-e ."} <= set(_pip_lines())


def test_binder_finds_the_environment_and_the_files_that_it_names(pyproject):
    """Binder reads the list in the root, unless there is a Dockerfile or a folder of its own."""
    others = ("binder", ".binder", "Dockerfile", "Project.toml", "install.R")
    assert [name for name in others if (PROJECT / name).exists()] == []
    for line in _pip_lines():
        if line.startswith("-"):
            option, place = line.split()
            assert option in ("-c", "-e")
            assert (PROJECT / place).exists()
    environment = yaml.safe_load((PROJECT / "environment.yml").read_text(encoding="utf-8"))
    python = environment["dependencies"][0].removeprefix("python=")
    assert python in {
        line.rpartition(" ")[2] for line in pyproject["project"]["classifiers"] if "3." in line
    }
    assert "make" in environment["dependencies"]  # Binder's machine has none of its own


def test_what_the_page_on_binder_and_colab_says_to_type_is_there():
    page = added_pages.in_a_browser("https://example.org/a/study")
    assert "git clone --depth 1 https://example.org/a/study study " in page
    assert "ADDRESS" not in page
    assert "git clone --depth 1 ADDRESS study " in added_pages.in_a_browser("")
    for name in re.findall(r"PROFILE=(\w+)", page):
        assert (PROJECT / "profiles" / f"{name}.yaml").exists()
    for target in re.findall(r"^!?make (\w+)", page, re.MULTILINE):
        assert f"\n{target}:" in (PROJECT / "Makefile").read_text(encoding="utf-8")
    for file in re.findall(r"study/(\S+\.txt)", page):
        assert (PROJECT / file).exists()


def test_every_declared_package_has_a_tested_version_within_its_range(declared):
    lines = (PROJECT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    tested = dict(line.split("==") for line in lines if "==" in line)
    assert not set(declared) - set(tested)
    outside = [
        name
        for name, requirement in declared.items()
        if not requirement.specifier.contains(tested[name], prereleases=True)
    ]
    assert outside == []


def test_every_import_of_the_package_is_declared(declared):
    """A module that imports an undeclared package works only where something else brings it."""
    # Where the name to import is another than the name to install.
    distributions = {"PIL": "pillow", "yaml": "pyyaml", "sklearn": "scikit-learn"}
    imported = set()
    for module in [*(PROJECT / "mmrec").rglob("*.py"), PROJECT / "dodo.py"]:
        names = imports(module.read_text(encoding="utf-8"))
        imported |= {name.split(".")[0] for name in names}
    outside = imported - set(sys.stdlib_module_names) - {"mmrec"}
    assert {distributions.get(name, name.replace("_", "-")) for name in outside} <= set(declared)


def test_the_version_is_written_once(pyproject, citation):
    assert "version" in pyproject["project"]["dynamic"]
    assert pyproject["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "mmrec.__version__"}
    assert str(citation["version"]) == mmrec.__version__


def test_the_repository_has_one_address(pyproject, citation):
    book = yaml.safe_load((PROJECT / "book" / "_config.yml").read_text(encoding="utf-8"))
    address = book["repository"]["url"] or None
    assert pyproject["project"]["urls"].get("Repository") == address
    assert citation.get("repository-code") == address


def test_the_workflow_pins_its_actions_and_runs_the_pythons_that_are_declared(pyproject):
    text = (PROJECT / ".github" / "workflows" / "study.yml").read_text(encoding="utf-8")
    pinned = re.findall(r"uses: [\w/-]+@[0-9a-f]{40} # v\d", text)
    assert len(pinned) == text.count("uses: ")
    declared = [
        line.rpartition(" ")[2]
        for line in pyproject["project"]["classifiers"]
        if line.startswith("Programming Language")
    ]
    assert yaml.safe_load(text)["jobs"]["test"]["strategy"]["matrix"]["python"] == declared


def test_hooks_and_make_ask_for_the_same_form_of_notebooks():
    make = (PROJECT / "Makefile").read_text(encoding="utf-8")
    [form] = re.findall(r"NORMAL_FORM := ((?:.*\\\n)*.*)", make)
    hooks = yaml.safe_load((PROJECT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    [entry] = [hook["entry"] for hook in hooks["repos"][0]["hooks"] if hook["id"] == "notebooks"]
    assert entry.split() == ["nbstripout", "--verify", *form.replace("\\\n", " ").split()]


@pytest.mark.parametrize("profile", ["x; touch hacked", "$(touch hacked)", "'; touch hacked; '"])
def test_a_profile_never_reaches_the_shell(tmp_path, profile):
    """What would be run is a stand-in for doit that shows its arguments."""
    (tmp_path / "python").write_text('#!/bin/sh\nshift 2\nfor a in "$@"; do echo "[$a]"; done\n')
    (tmp_path / "python").chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    command = ["make", "-s", "-f", str(PROJECT / "Makefile"), "VENV=", "study"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "PATH": path, "PROFILE": profile},
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines() == [f"[profile={profile}]", "[study]"]
    assert not (tmp_path / "hacked").exists()


def test_readme_lists_what_make_can_do():
    text = (PROJECT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):.*## ", text, re.MULTILINE))
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    assert targets == set(re.findall(r"^\| `make ([a-z]+)` \|", readme, re.MULTILINE))


def test_what_is_marked_slow_or_begins_first_exists():
    conftest = runpy.run_path(str(PROJECT / "tests" / "conftest.py"))
    tests = {
        path.stem: path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("*.py")
    }
    assert conftest["SLOW_MODULES"] | set(conftest["LONGEST"]) <= tests.keys()
    for name in conftest["SLOW_TESTS"]:
        assert any(f"def {name}(" in text for text in tests.values()), name
