"""Commands that a run starts: what is done while they start, and what becomes of them."""

import sys

import psutil
import pytest

from mmrec.errors import StudyError
from mmrec.study import supervision

WAITS = "import sys; sys.stdin.read(); print(open(sys.argv[1]).read())"


def test_a_command_waits_for_what_is_done_meanwhile(tmp_path):
    made, log = tmp_path / "made", tmp_path / "log"
    command = [sys.executable, "-c", WAITS, str(made)]
    code, _ = supervision.run(command, log, tmp_path, meanwhile=lambda: made.write_text("done"))
    assert code == 0
    assert log.read_text().strip() == "done"


def test_a_command_does_not_outlive_what_could_not_be_made_for_it(tmp_path):
    def fail() -> None:
        raise StudyError("nothing to build from", where="here", remedy="Make it.")

    command = [sys.executable, "-c", WAITS, str(tmp_path / "made")]
    with pytest.raises(StudyError):
        supervision.run(command, tmp_path / "log", tmp_path, meanwhile=fail)
    lines = [process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])]
    assert command not in lines
