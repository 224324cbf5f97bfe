"""Chapters 02 to 05 on films of which next to nothing is known: lines in the place of errors."""

import cells
import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image

from mmrec.catalogue import own, tables
from mmrec.catalogue.movielens import N_MOVIES
from mmrec.enrichment import pipeline
from mmrec.features import absent, scope, text
from mmrec.features.graph import meta, word_vectors
from mmrec.features.graph.word_vectors import WordVectors
from mmrec.features.media import audio, video
from mmrec.features.table import FeatureTable
from mmrec.reports import graph_tables
from mmrec.workspace import PROJECT, Workspace

LIST = "title,year\nThe Lamp,1994\nThe Boat,1931\nThe Oar,1950\n"
PROFILE = "festival"


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """Three films with a title and a year each, and a damaged poster."""
    monkeypatch.setenv("MMREC_BUILD", str(tmp_path / "build"))
    return enriched(tmp_path, LIST, {"The Boat.png": b"no picture"})


def enriched(tmp_path, listed: str, posters: dict[str, bytes]) -> Workspace:
    folder = tmp_path / "folder"
    (folder / "posters").mkdir(parents=True)
    (folder / "movies.csv").write_text(listed, encoding="utf-8")
    for name, content in posters.items():
        (folder / "posters" / name).write_bytes(content)
    made = Workspace.open(PROFILE)
    pipeline.run(folder, made, providers=[])
    return made


@pytest.fixture
def toy(monkeypatch):
    """Word vectors that need no download."""
    made = WordVectors("toy", "none", lambda word: np.full(word_vectors.WIDTH, len(word), "f4"))
    for module in (word_vectors, meta):
        monkeypatch.setattr(module, "choose", lambda *_: made)


def chapter(number: str) -> dict:
    (path,) = (PROJECT / "notebooks").glob(f"{number}_*.ipynb")
    with mpl.rc_context():
        return cells.run(path, PROFILE)


def lines(shown: dict) -> dict[str, str]:
    """Cell → the line that it says in the place of a table or a figure."""
    found = {}
    for name, value in shown.items():
        if isinstance(value, pd.DataFrame) and value.index.tolist() == ["left out"]:
            found[name] = value.iloc[0, 0]
        elif isinstance(value, Figure):
            told = [text.get_text() for ax in value.axes for text in ax.texts]
            if told and told[0].startswith("left out: "):
                found[name] = told[0]
    return found


@pytest.mark.slow
def test_without_synopses_chapter_02_says_so(workspace):
    shown = chapter("02")
    said = lines(shown)
    told = ["sentences", "sentences-figure", "example", "build"]
    assert {name: said[name].removeprefix("left out: ") for name in told} == dict.fromkeys(
        told, "no film has a synopsis"
    )
    assert shown["width"] == "0 numbers per movie"
    assert shown["open"] == "0 movies with an open synopsis"
    coverage = shown["coverage"].loc["none: no text vector"]
    assert coverage.tolist() == [3, 1.0, "there are no ratings"]
    later = {"example-figure", "neighbours", "map", "genre-figure", "genre-agreement", "probe"}
    assert later < said.keys()
    assert not list(workspace.features.glob("*"))


@pytest.mark.slow
def test_without_media_chapters_03_and_04_say_so(workspace):
    FeatureTable("video", [1], [[1.0]], {}).save(workspace.features / "video.parquet")
    shown = chapter("03")
    said = lines(shown)
    assert said["provenance"] == "none of the 1 files could be used"
    assert shown["left-out"]["movies"].tolist()[-1] == 0
    assert len(shown["left-out"]) == 2
    assert {"neighbours", "map", "genre-agreement", "probe", "probe-figure"} < said.keys()
    assert shown["coverage"]["video"].tolist() == ["0 of 3", "there are no ratings", "0"]
    assert not (workspace.features / "video.parquet").exists(), "it was of an earlier run"
    said = lines(chapter("04"))
    assert said["provenance"] == "no film has a trailer"
    # Of the examples, whose clips are rendered from the genres, there is a table of its own.
    assert [path.name for path in workspace.features.iterdir()] == ["cuts.parquet"]


@pytest.mark.slow
def test_without_facts_chapter_05_says_so(workspace, toy):
    shown = chapter("05")
    said = lines(shown)
    assert (
        said["build"] == "nothing is known of the 3 movies: no genre, director, rating or summary"
    )
    assert said["synopses"] == said["relations"] == graph_tables.NO_TRIPLE
    assert {"shared-figure", "neighbours", "probe", "probe-figure"} < said.keys()
    assert shown["coverage"]["movies"].tolist() == [0, 0, 0, 0]
    assert shown["coverage"].drop(columns="movies").isin(["–"]).all(axis=None)
    assert shown["freebase"].index[0] == "left out"
    # Years are facts, and "unknown" is a genre; of all else there is nothing to write.
    assert {path.stem for path in workspace.features.iterdir()} == {"facts", "facts-unrated"}


def test_nothing_of_the_open_data_is_taken_for_a_reader_s_film(workspace):
    movies = tables.load(workspace).movies.assign(year=[1995, 1995, 1995])
    assert scope.told_openly(movies, workspace).empty
    shown, whose = scope.examples(movies, workspace)
    assert shown["title"].tolist() == ["The Lamp", "The Boat", "The Oar"]
    assert "your own folder" in whose
    told = movies.assign(summary=[None, "A boat sinks.", " "])
    assert scope.examples(told, workspace)[0]["title"].tolist() == ["The Boat"]


def test_all_of_a_reader_s_films_count_and_of_movielens_the_most_rated(tmp_path, monkeypatch):
    monkeypatch.setenv("MMREC_BUILD", str(tmp_path / "build"))
    n = N_MOVIES + 3
    made = enriched(tmp_path, "title,year\n" + "".join(f"F {k},2000\n" for k in range(n)), {})
    catalogue = tables.load(made)
    assert len(scope.ranked(catalogue, made, N_MOVIES)) == n
    theirs = Workspace(tmp_path / "movielens", tmp_path / "cache")
    assert len(scope.ranked(catalogue, theirs, 7)) == 7


def test_a_table_of_no_film_is_an_error_of_movielens_and_no_file_of_a_reader_s(workspace, tmp_path):
    nothing = absent.nothing("meta", "why", meta.PARTS)
    assert (nothing.width, len(nothing.movie_ids)) == (1220, 0)
    assert len(nothing.without("genres").movie_ids) == 0
    absent.keep(nothing, workspace, "other")
    assert not (workspace.features / "other.parquet").exists()
    theirs = Workspace(tmp_path / "movielens", tmp_path / "cache")
    absent.keep(nothing, theirs, "other")
    assert FeatureTable.load(theirs.features / "other.parquet").width == 1220
    movies = tables.load(workspace).movies
    assert text.build(movies, workspace, encoder="none").provenance == {
        "left out": text.NO_SYNOPSIS
    }
    with pytest.raises(Exception, match="none of the 3 movies has a summary"):
        text.build(movies, theirs, encoder="none")


@pytest.mark.slow
def test_the_profile_orders_a_reader_s_files_and_renders_none(tmp_path, monkeypatch):
    monkeypatch.setenv("MMREC_BUILD", str(tmp_path / "build"))
    Image.new("RGB", (20, 30), (200, 10, 10)).save(tmp_path / "a.png")
    made = enriched(tmp_path, LIST, {"The Boat.png": (tmp_path / "a.png").read_bytes()})
    catalogue, demo = tables.load(made), {"demo_movies": 3, "demo_seconds": 3.0}
    options = {"encoders": ["efficientnet-lite0"], "margin": 0.1, **demo}
    for sources in (["demo"], ["trailers", "demo"]):
        table, _ = video.build(catalogue, made, sources=sources, **options)
        assert table.provenance == {"left out": video.NO_FILE}
    table, left_out = video.build(catalogue, made, sources=["demo", "posters"], **options)
    assert (table.movie_ids.tolist(), len(left_out)) == ([2], 0)
    assert table.provenance["source"] == "posters of 1 movies"
    table, _ = audio.build(catalogue, made, sources=["demo"], encoders=["log-mel"], **demo)
    assert table.provenance == {"left out": audio.NO_FILE}
    assert own.load(made) is not None
