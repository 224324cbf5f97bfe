"""The recipes of CONTRIBUTING.md work as they stand."""

import re
import runpy
from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import pytest
from PIL import Image

import mmrec
from mmrec.enrichment import pipeline
from mmrec.features.table import FeatureTable
from mmrec.models import registry
from mmrec.workspace import PROJECT, Workspace
from tests import tiny, training_data

GUIDE = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def recipe(heading: str, folder: Path) -> Path:
    """The Python block under a heading, as a file."""
    section = GUIDE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    (block,) = re.findall(r"```python\n(.*?)```", section, re.S)
    written = folder / "recipe.py"
    written.write_text(block, encoding="utf-8")
    return written


@pytest.fixture
def workspace(tmp_path, monkeypatch) -> Workspace:
    """The tiny workspace in the place of the profile ``quick``, and its folder as the current."""
    monkeypatch.setenv("MMREC_BUILD", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    tiny.workspace(tmp_path).root.rename(tmp_path / "quick")
    return Workspace.open("quick")


def test_a_modality_is_added(workspace, tmp_path):
    posters = tmp_path / "my_posters"
    posters.mkdir()
    for movie_id in (2, 5):
        Image.new("RGB", (8, 12), (movie_id * 51 % 256, 0, 255)).save(posters / f"{movie_id}.jpg")
    (posters / "8.jpg").write_bytes(b"no picture")
    with joblib.parallel_config("sequential"):  # starting workers would take half a minute
        made = runpy.run_path(str(recipe("Add a modality", tmp_path)), run_name="__main__")
    table = FeatureTable.load(workspace.features / "colour.parquet")
    assert list(table.movie_ids) == [2, 5]
    assert table.vectors[:, 2] == pytest.approx([1, 1], abs=0.02)
    assert made["failures"]["movie_id"].tolist() == [8]


def test_a_model_is_added(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "MODELS", dict(registry.MODELS))
    runpy.run_path(str(recipe("Add a model", tmp_path)))
    data = training_data.usual()
    config = registry.config("shrunk-mean")
    model = config.build().fit(data, seed=0)
    assert model.chosen["damping"] in config.dampings
    pairs = training_data.every_pair()
    assert np.isfinite(model.predict(pairs)).all()
    again = config.build().fit(
        replace(data, validation=data.validation.iloc[:0]), seed=0, chosen=model.chosen
    )
    assert np.array_equal(again.predict(pairs), model.predict(pairs))
    assert len(model.recommend([1], training_data.MOVIES, data.train, k=5)) == 5


def test_a_provider_is_added(workspace, tmp_path):
    (tmp_path / "films.csv").write_text("title,year\nThe Lamp,1994\nThe Boat,1931\nThe Oar,1950\n")
    (tmp_path / "my_notes.csv").write_text(
        "title,year,plot\nThe Lamp,1994,Ada tends a lamp.\nThe Boat,1990,Tom builds a boat.\n"
    )
    notes = str(recipe("Add a provider", tmp_path))
    done = pipeline.run(tmp_path / "films.csv", workspace, providers=[notes])
    summaries = done.catalogue.movies.set_index("title")["summary"]
    assert summaries["The Lamp"] == "Ada tends a lamp."
    assert done.matches.set_index("title")["status"]["The Boat"] == "rejected"
    assert summaries.drop("The Lamp").isna().all()
    assert done.failures["reason"].tolist() == ["there is no note on it"]


def test_every_recipe_is_run():
    headings = re.findall(r"\n## (Add .+)\n", GUIDE)
    source = Path(__file__).read_text(encoding="utf-8")
    assert [heading for heading in headings if f'recipe("{heading}"' not in source] == []


def test_citation_and_changelog_name_the_version():
    citation = (PROJECT / "CITATION.cff").read_text(encoding="utf-8")
    changelog = (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"\nversion: {mmrec.__version__}\n" in citation
    assert re.findall(r"\n## (\S+)", changelog)[:2] == ["Unreleased", mmrec.__version__]
    released = re.search(r"date-released: (\S+)", citation)[1]
    assert f"## {mmrec.__version__} – {released}" in changelog


def test_the_citation_names_makers_and_sources_as_the_project_does():
    citation = (PROJECT / "CITATION.cff").read_text(encoding="utf-8")
    makers = re.search(r"Copyright \(c\) \d+ (.+)", (PROJECT / "LICENSE").read_text("utf-8"))[1]
    assert makers == re.search(r"authors:\n  - name: (.+)", citation)[1]
    known = (PROJECT / "book" / "references.bib").read_text(encoding="utf-8")
    dois = re.findall(r"doi: (\S+)", citation)
    assert dois
    assert [doi for doi in dois if doi not in known] == []
