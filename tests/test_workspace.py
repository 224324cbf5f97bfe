"""Files that are whole or not there, and bars that stay out of notebooks."""

import errno
import json
import os
import pickle
import re
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mmrec import progress
from mmrec.errors import LocalError, StudyError
from mmrec.workspace import PROJECT, Workspace, atomic_path, cached, kept


def test_a_finished_block_replaces_the_file(tmp_path):
    path = tmp_path / "new" / "table.parquet"
    with atomic_path(path) as part:
        assert part.suffix == ".parquet", "some writers choose the format by it"
        assert path.parent in part.parents, "a rename within one file system is atomic"
        part.write_text("one")
        assert not path.exists()
    with atomic_path(path) as part:
        part.write_text("two")
        assert path.read_text() == "one"
    assert path.read_text() == "two"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), OSError("a library's")])
def test_an_interrupted_block_leaves_the_old_file(tmp_path, error):
    path = tmp_path / "table.csv"
    path.write_text("old")

    def write():
        with atomic_path(path) as part:
            part.write_text("half")
            raise error

    with pytest.raises(type(error)) as caught:
        write()
    assert caught.value is error
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "the disk is full"),
        (errno.EIO, "cannot be used (cannot write)"),
        (errno.EACCES, "cannot be used (cannot write)"),
    ],
)
def test_a_local_failure_is_told_in_one_line_and_the_old_file_stays(tmp_path, code, said):
    path = tmp_path / "table.csv"
    path.write_text("old")

    def write():
        with atomic_path(path) as part:
            part.write_text("half")
            raise OSError(code, "cannot write")

    with pytest.raises(LocalError, match=re.escape(f"{path}: {said}. ")) as caught:
        write()
    assert not isinstance(caught.value, StudyError), "what falls back on StudyError must not see it"
    assert "\n" not in str(caught.value)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_may_not_be_written_is_a_local_failure(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path))

    monkeypatch.setattr("tempfile.mkdtemp", refuse)
    with pytest.raises(LocalError, match="Permission denied"), atomic_path(tmp_path / "x"):
        pytest.fail("the block must not run")


def test_file_and_folder_are_flushed_before_and_after_the_rename(tmp_path, monkeypatch):
    done, (sync, replace) = [], (os.fsync, os.replace)

    def fsync(descriptor):
        done.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        sync(descriptor)

    monkeypatch.setattr("os.fsync", fsync)
    monkeypatch.setattr("os.replace", lambda *paths: (done.append("rename"), replace(*paths)))
    with atomic_path(tmp_path / "x") as part:
        part.write_text("x")
    assert done == ["file", "rename", "folder"]


KILLED = """
import os, signal, sys
from pathlib import Path
from mmrec.workspace import atomic_path
with atomic_path(Path(sys.argv[1]) / "text.parquet") as part:
    part.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_leaves_is_found_by_no_pattern_and_goes_in_time(tmp_path):
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], cwd=PROJECT)
    assert done.returncode < 0
    (left,) = tmp_path.iterdir()
    assert not list(tmp_path.glob("*.parquet"))
    with atomic_path(tmp_path / "audio.parquet") as part:
        part.write_text("whole")
    assert left.exists(), "another process may still be writing it"
    os.utime(left, (0, 0))
    with atomic_path(tmp_path / "audio.parquet") as part:
        part.write_text("whole")
    assert [path.name for path in tmp_path.iterdir()] == ["audio.parquet"]


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("vector.npy", np.load),
        ("matrix.npz", lambda path: dict(np.load(path))),
        ("table.parquet", pd.read_parquet),
        ("record.json", lambda path: json.loads(path.read_text(encoding="utf-8"))),
        ("object.pickle", lambda path: pickle.loads(path.read_bytes())),
    ],
)
@pytest.mark.parametrize("damage", ["empty", "truncated", "zeros", "another"])
def test_what_we_wrote_and_cannot_read_is_made_again(tmp_path, name, read, damage, caplog):
    path, value, calls = tmp_path / name, np.arange(500.0), []

    def write(value, part):
        if path.suffix == ".npy":
            np.save(part, value)
        elif path.suffix == ".npz":
            np.savez(part, value=value)
        elif path.suffix == ".parquet":
            pd.DataFrame({"value": value}).to_parquet(part)
        elif path.suffix == ".json":
            part.write_text(json.dumps(value.tolist()))
        else:
            part.write_bytes(pickle.dumps(value))

    def make():
        calls.append(1)
        return value

    cached(path, make, read=read, write=write)
    whole = path.read_bytes()
    cached(path, make, read=read, write=write)
    assert len(calls) == 1
    path.write_bytes(
        {
            "empty": b"",
            "truncated": whole[: len(whole) // 2],
            "zeros": bytes(len(whole)),
            "another": b"<html>",
        }[damage]
    )
    cached(path, make, read=read, write=write)
    assert len(calls) == 2
    assert path.read_bytes() == whole
    assert f"{name} is damaged and is made again" in caplog.text


def test_a_disk_that_fails_is_no_damage(tmp_path):
    path = tmp_path / "vector.npy"
    path.write_bytes(b"precious")

    def read(_):
        raise OSError(errno.EIO, "Input/output error")

    with pytest.raises(LocalError, match="Input/output error"):
        kept(path, read)
    assert path.read_bytes() == b"precious"
    assert kept(tmp_path / "none", Path.read_bytes) is None


def test_errors_cross_processes_whole():
    for error in (
        StudyError("a", where="b", remedy="c"),
        LocalError("the disk is full", where="b", remedy="c"),
    ):
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error)
        assert (again.what, again.where, again.remedy) == (error.what, error.where, error.remedy)


def test_a_workspace_lies_in_the_build_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MMREC_BUILD", str(tmp_path))
    found = Workspace.open("smoke")
    assert (found.root, found.cache) == (tmp_path / "smoke", tmp_path / "cache")
    assert {found.catalogue, found.features, found.results} == {
        tmp_path / "smoke" / name for name in ("catalogue", "features", "results")
    }
    monkeypatch.delenv("MMREC_BUILD")
    assert Workspace.open("paper").root == PROJECT / "build" / "paper"


def test_a_bar_passes_everything_on_and_writes_nothing_where_there_is_no_terminal(
    monkeypatch, capsys
):
    monkeypatch.delenv(progress.TERMINAL, raising=False)
    assert list(progress.bar(iter("abc"), total=3, label="letters")) == ["a", "b", "c"]
    assert capsys.readouterr() == ("", "")


def test_a_bar_is_drawn_on_the_terminal_the_runner_names(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv(progress.TERMINAL, str(tmp_path / "tty"))
    assert list(progress.bar(iter("abc"), total=3, label="letters")) == ["a", "b", "c"]
    assert "letters" in (tmp_path / "tty").read_text()
    assert capsys.readouterr() == ("", "")


def test_a_terminal_of_another_user_costs_the_bar_and_nothing_else(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv(progress.TERMINAL, str(tmp_path / "no" / "tty"))
    assert list(progress.bar(iter("abc"), total=3, label="letters")) == ["a", "b", "c"]
    assert capsys.readouterr() == ("", "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that refuses to be written")
def test_a_terminal_that_is_closed_meanwhile_costs_the_bar_and_nothing_else(monkeypatch, capsys):
    monkeypatch.setenv(progress.TERMINAL, "/dev/full")
    assert list(progress.bar(iter("abc"), total=3, label="letters")) == ["a", "b", "c"]
    assert capsys.readouterr() == ("", "")
