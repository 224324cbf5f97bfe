"""The output of a run on the terminal: one line for each stage."""

import os
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from doit.exceptions import BaseFail, TaskFailed
from doit.reporter import ZeroReporter
from doit.task import Task

from mmrec.errors import Problem
from mmrec.study.supervision import Stopped

QUIET = ("profile", "workspace", "where", "study", "reference")
"""Tasks without a line of their own."""


def told(action: Callable[..., None]) -> Callable[..., TaskFailed | None]:
    """An action whose expected errors become failures of doit, with the message as only text."""

    @wraps(action)
    def acting(*args: Any, **kwargs: Any) -> TaskFailed | None:
        try:
            action(*args, **kwargs)
        except (Problem, Stopped) as error:
            return TaskFailed(str(error))
        return None

    return acting


class OneLineEach(ZeroReporter):  # type: ignore[misc]  # doit has no types
    """One line per task with its time; tasks that are up to date are reported as kept."""

    desc = "one line per task"
    start = 0.0

    def execute_task(self, task: Task) -> None:
        """Prints the name of the task that is running."""
        self.start = time.monotonic()
        if self._has_line(task):
            self._say(task, "")

    def add_success(self, task: Task) -> None:
        """Prints the time that a task took."""
        if self._has_line(task):
            if os.isatty(2):  # a progress bar may have taken the line
                self.write("\r")
                self._say(task, "")
            self.write(f"{time.monotonic() - self.start:7.0f} s\n")

    def skip_uptodate(self, task: Task) -> None:
        """Prints that a task is up to date."""
        if self._has_line(task):
            self._say(task, "   kept\n")

    def add_failure(self, task: Task, fail: BaseFail) -> None:
        """Prints why a task failed, in as few lines as possible."""
        stopped = "  stopped\n\n" if self._has_line(task) else ""
        self.write(f"{stopped}{fail.get_msg().rstrip()}\n")

    def runtime_error(self, msg: str) -> None:
        """Prints what prevented the run from starting."""
        self.write(f"{msg}\n")

    def _has_line(self, task: Task) -> bool:
        return bool(task.actions) and task.name not in QUIET

    def _say(self, task: Task, what: str) -> None:
        self.write(f"  {task.name.removeprefix('notebook:'):<28}{what}")
        self.outstream.flush()
