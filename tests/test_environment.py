"""The three lists of packages say the same."""

import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

PROJECT = Path(__file__).resolve().parents[1]


@pytest.fixture
def declared() -> dict[str, Requirement]:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
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
    pattern = re.compile(r"^\s*(?:import|from) ([A-Za-z0-9_]+)", re.MULTILINE)
    imported = set()
    for module in [*(PROJECT / "mmrec").rglob("*.py"), PROJECT / "dodo.py"]:
        imported |= set(pattern.findall(_code(module)))
    outside = imported - set(sys.stdlib_module_names) - {"mmrec"}
    assert {distributions.get(name, name.replace("_", "-")) for name in outside} <= set(declared)


def _code(module: Path) -> str:
    """A module's text without its docstrings, whose prose may start a line with “from”."""
    return re.sub(r'"""(.|\n)*?"""', "", module.read_text(encoding="utf-8"))
