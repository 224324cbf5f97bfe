"""Files that are whole or not there, and bars that stay out of notebooks."""

import errno

import pytest

from mmrec import progress
from mmrec.errors import StudyError
from mmrec.workspace import PROJECT, Workspace, atomic_path


def test_a_finished_block_replaces_the_file(tmp_path):
    path = tmp_path / "new" / "table.parquet"
    with atomic_path(path) as part:
        assert part.suffix == ".parquet", "some writers choose the format by it"
        assert part.parent == path.parent, "a rename within one file system is atomic"
        part.write_text("one")
        assert not path.exists()
    with atomic_path(path) as part:
        part.write_text("two")
        assert path.read_text() == "one"
    assert path.read_text() == "two"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), OSError(errno.EIO, "x")])
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


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_in_one_line_and_the_old_file_stays(tmp_path, code):
    path = tmp_path / "table.csv"
    path.write_text("old")

    def write():
        with atomic_path(path) as part:
            part.write_text("half")
            raise OSError(code, "cannot write")

    with pytest.raises(StudyError, match="the disk is full") as caught:
        write()
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


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
