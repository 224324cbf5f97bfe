"""Ensures that a workspace has one run at a time, and that no process outlives its run."""

import fcntl
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import IO

import psutil

from mmrec.errors import StudyError, local_failures
from mmrec.progress import TERMINAL
from mmrec.study.stages import short
from mmrec.workspace import PROJECT

MARK = "MMREC_RUN"
"""Environment variable of the processes that a run starts: the run's token and its workspace."""

_ROUNDS = 10
_TOKEN = uuid.uuid4().hex
_held: list[IO[bytes]] = []  # locks and pipes that must stay open as long as we live


class Stopped(Exception):
    """A stage did not finish; the message says why, and where to read more."""


def claim(root: Path) -> None:
    """Takes a workspace for this run until the process ends.

    Ends what a killed run left at work there, and starts a guard that will do the same for this
    run, should it be killed.

    Raises:
        StudyError: If another run is at work in it.
        LocalError: If the folder may not be written.
    """
    with local_failures(root):
        root.mkdir(parents=True, exist_ok=True)
        lock = (root / ".lock").open("wb")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise StudyError(
            "another run is at work here", where=short(root), remedy="Wait for it, or stop it."
        ) from None
    end_marked(root)
    _held.append(lock)
    _start_guard(root)


def guard_children(root: Path) -> None:
    """Ensures that the processes started from now on end with this one, even if it is killed.

    Args:
        root: The folder that they work in.
    """
    os.environ[MARK] = _mark(root)
    _start_guard(root)


def _mark(root: Path) -> str:
    return f"{_TOKEN} {root}"


def _start_guard(root: Path) -> None:
    guard = subprocess.Popen(
        [sys.executable, "-m", "mmrec.study.guard", str(root), _TOKEN],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=PROJECT,
        env={name: value for name, value in os.environ.items() if name != MARK},
        start_new_session=True,  # Ctrl-C is not meant for it
    )
    assert guard.stdin is not None
    _held.append(guard.stdin)


def run(
    command: list[str], log: Path, root: Path, *, meanwhile: Callable[[], None] | None = None
) -> tuple[int, float]:
    """Runs a command with its output in a log file, and ends everything that it started.

    Args:
        command: What to run, in the project's folder.
        log: File for all that it prints.
        root: The workspace that it works in.
        meanwhile: What to do while the command starts. The command's standard input ends when this
            is done, so a command that reads it has waited for it.

    Returns:
        The exit code, 0 or more, and the peak resident memory of all its processes together, in
        MB.

    Raises:
        Stopped: If it was interrupted, or ended from outside.
    """
    peak = 0
    with local_failures(log):
        log.parent.mkdir(parents=True, exist_ok=True)
        output = log.open("wb")
    with output:
        process = psutil.Popen(
            command,
            stdin=subprocess.PIPE if meanwhile else None,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=PROJECT,
            env={**os.environ, **_terminal(), MARK: _mark(root)},
        )
        try:
            if meanwhile:
                meanwhile()
                process.stdin.close()
            while True:
                try:
                    code = process.wait(timeout=0.5)
                    break
                except psutil.TimeoutExpired:
                    peak = max(peak, sum(_resident(member) for member in _family(process)))
        except KeyboardInterrupt:
            _end(_family(process))
            code = -signal.SIGINT
        finally:
            end_marked(root, _TOKEN)
    if code < 0:
        why = f"Ended from outside ({signal.Signals(-code).name}); out of memory, perhaps."
        if code == -signal.SIGINT:
            why = "Interrupted: the same command continues where it stopped."
        raise Stopped(f"{why}\nLog: {short(log)}")
    return code, peak / 1e6


def end_marked(root: Path, token: str | None = None) -> None:
    """Ends the processes that a run of a workspace started.

    Args:
        root: The workspace.
        token: The run; by default any.
    """
    for _ in range(_ROUNDS):  # one that is just being started shows up in the next
        marked = [process for process in psutil.process_iter() if _is_of(process, root, token)]
        if not marked:
            return
        for process in marked:
            _signal(process, signal.SIGKILL)
        psutil.wait_procs(marked, timeout=5)


def _is_of(process: psutil.Process, root: Path, token: str | None) -> bool:
    try:
        whose, _, where = process.environ().get(MARK, "").partition(" ")
    except (psutil.Error, OSError):  # it is gone, or another user's
        return False
    return where == str(root) and token in (None, whose)


def _terminal() -> dict[str, str]:
    """The stream for progress bars; a notebook's own stderr is part of the notebook."""
    try:
        return {TERMINAL: os.ttyname(2)}
    except OSError:  # none, or one that cannot be seen from here
        return {}


def _end(family: list[psutil.Process]) -> None:
    for member in family:
        _signal(member, signal.SIGTERM)
    for member in psutil.wait_procs(family, timeout=5)[1]:
        _signal(member, signal.SIGKILL)


def _family(process: psutil.Process) -> list[psutil.Process]:
    try:
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def _signal(process: psutil.Process, number: int) -> None:
    try:
        process.send_signal(number)
    except psutil.Error:
        return
