"""The page on one's own films works as it stands, without a network, and killed in between."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from mmrec.workspace import PROJECT

PAGE = (PROJECT / "book" / "enrich_your_own.md").read_text(encoding="utf-8")
STEPS = ("enrich", "features", "train")
"""The commands that compute something, in their order."""


def commands(heading: str = "From a folder to recommendations") -> list[str]:
    """The lines of the ``bash`` blocks under a heading of the page."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    blocks = re.findall(r"```bash\n(.*?)```", section, re.S)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def started(line: str, folder: Path) -> subprocess.Popen:
    """A command of the page, run in a folder beside ``examples``, in a session of its own."""
    programs = folder / "programs"
    programs.mkdir(exist_ok=True)
    modules = {"mmrec": "-m mmrec.cli", "papermill": "-m papermill", "python": ""}
    for name, what in modules.items():
        (programs / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {what} "$@"\n')
        (programs / name).chmod(0o755)
    nowhere = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9")
    known = {name: value for name, value in os.environ.items() if not name.startswith("MMREC_")}
    return subprocess.Popen(
        ["bash", "-ec", line],
        cwd=folder,
        env={
            **known,
            **nowhere,
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PYTHONPATH": str(PROJECT),
            "MMREC_BUILD": str(folder / "build"),
            "HF_HUB_OFFLINE": "1",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def run(line: str, folder: Path) -> tuple[str, float]:
    """What a command says, and the seconds that it took."""
    begin = time.monotonic()
    process = started(line, folder)
    out, err = process.communicate(timeout=3000)
    assert process.returncode == 0, f"{line}\n{out}\n{err}"
    return out + err, time.monotonic() - begin


def fresh(folder: Path) -> Path:
    folder.mkdir()
    for name in ("examples", "notebooks", "profiles"):
        (folder / name).symlink_to(PROJECT / name)
    return folder


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The page's commands, run one after the other: folder, what they said, and seconds."""
    folder = fresh(tmp_path_factory.mktemp("page") / "whole")
    return folder, {line: run(line, folder) for line in commands()}


def left(folder: Path) -> dict[str, bytes]:
    """What the commands left in the catalogue's folder, by name.

    A write that was killed may leave a part under a hidden name, which nothing reads.
    """
    root = folder / "build" / "festival"
    patterns = ("*.csv", "catalogue/*", "features/*", "model/*")
    found = sorted(path for pattern in patterns for path in root.glob(pattern))
    paths = [path for path in found if not path.name.startswith(".")]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}


def test_the_page_leads_from_a_folder_to_recommendations(finished):
    folder, said = finished
    for step in (*STEPS, "recommend"):
        assert any(line.startswith(f"mmrec {step}") for line in said), step
    told = {line.split()[1]: out for line, (out, _) in said.items() if line.startswith("mmrec")}
    assert "15 movies: no provider was asked" in told["enrich"]
    assert "40, of 8 users" in told["enrich"]
    assert re.search(r"trailer files +3\n +poster files +2\n", told["enrich"])
    assert "notices             0" in told["enrich"]
    for name, size in {"text": "15 × 384", "video": "5 × 1280", "audio": "3 × 128"}.items():
        assert re.search(rf"{name} +{size}, ", told["features"]), name
    titles = {line.split(",")[1] for line in (folder / "festival" / "movies.csv").open()}
    for line, (out, _) in said.items():
        if line.startswith("mmrec recommend"):
            assert len([title for title in titles if title in out]) >= 5, line


def test_a_user_s_own_id_and_films_come_back(finished):
    folder, _ = finished
    out, _ = run("mmrec recommend build/festival --user seat-03 --json", folder)
    answer = json.loads(out[out.index("{") : out.rindex("}") + 1])
    assert answer["for"]["user"] == "seat-03"
    ids = {line.split(",")[0] for line in (folder / "festival" / "movies.csv").open()}
    rated = {"ferry", "signal", "mask", "glass", "drums"}
    assert {film["id"] for film in answer["films"]} <= ids - rated


def test_killed_at_random_moments_and_given_again_it_ends_with_the_same(finished, tmp_path):
    whole, said = finished
    folder = fresh(tmp_path / "killed")
    shutil.copytree(whole / "festival", folder / "festival")
    rng = np.random.default_rng(5)
    killed = 0
    for line, (_, seconds) in said.items():
        if not line.startswith(tuple(f"mmrec {step}" for step in STEPS)):
            continue
        for share in rng.uniform(0.2, 0.95, 2):
            process = started(line, folder)
            try:
                process.communicate(timeout=share * seconds)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
                killed += 1
        run(line, folder)
    assert killed >= len(STEPS)
    before, after = left(whole), left(folder)
    assert after.keys() == before.keys()
    # The reader's files lie in another place, which one table names.
    elsewhere = "catalogue/own_files.parquet"
    assert [name for name in before if after[name] != before[name]] == [elsewhere]


@pytest.fixture(scope="module")
def chapters(finished, tmp_path_factory):
    """A copy of what the page's commands left, for notebooks to write to."""
    whole, _ = finished
    folder = fresh(tmp_path_factory.mktemp("page") / "chapters")
    shutil.copytree(whole / "build" / "festival", folder / "build" / "festival")
    (folder / "build" / "cache").symlink_to(whole / "build" / "cache")
    return folder


CHAPTERS = {
    line.split("notebooks/")[1][:2]: line for line in commands("The notebooks on your films")
}
SAID = {
    "02": ["own files of 15 movies", "sentence (from your own folder", "0 movies with an open syn"],
    "03": ["trailers of 3 movies, posters of 2 movies", "5 of 15"],
    "04": ["trailers of 3 movies", "3 of 15"],
    "05": ["own files of 15 movies", "film (from your own folder", "by this profile"],
    "06": ["own files of 15 movies", "trailers of 3 movies, posters of 2 movies"],
}


def outputs(notebook: Path) -> list[dict]:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return [output for cell in cells for output in cell.get("outputs", [])]


@pytest.mark.parametrize("number", SAID)
def test_a_chapter_reads_own_films_by_a_profile(chapters, number):
    before = left(chapters)
    out, _ = run(CHAPTERS[number], chapters)
    assert "unknown" not in out.lower()
    found = outputs(chapters / "build" / "festival" / f"{number}.ipynb")
    told = [line for one in found if one.get("name") == "stderr" for line in one["text"]]
    # Without a network the word vectors are trained here, and a line says so.
    assert [line for line in told if not line.startswith("word vectors: taking corpus")] == []
    texts = json.dumps(found, ensure_ascii=False)
    assert [phrase for phrase in SAID[number] if phrase not in texts] == []
    # The tables of `mmrec features` come out the same, and what else lies there stays.
    after = left(chapters)
    assert [name for name in before if after[name] != before[name]] == []


def test_every_chapter_of_the_page_is_tried():
    assert CHAPTERS.keys() == SAID.keys()
