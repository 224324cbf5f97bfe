"""The model that a run leaves for ``mmrec recommend``."""

import sys

from mmrec.provenance import code_digest, digest
from mmrec.study import supervision
from mmrec.study.stages import Run, matching, short
from mmrec.study.staleness import contents, forget, remember
from mmrec.study.supervision import Stopped

NAME = "model"
"""Name of the stage, and of the folder in the workspace."""


def fingerprint(run: Run) -> str:
    """Digest of everything that the model depends on."""
    root = run.workspace.root
    return digest(
        {
            "reads": contents(matching(("catalogue/*", "features/*"), root), root),
            "code": code_digest("mmrec.recommending.training"),
        }
    )


def train(run: Run) -> None:
    """Trains the model by ``mmrec train``, in a separate process.

    Raises:
        Stopped: If the training did not finish.
        LocalError: If the disk is full or may not be written.
    """
    state, log = fingerprint(run), run.logs / f"{NAME}.log"
    forget(run, NAME)
    command = [sys.executable, "-m", "mmrec.cli", "train", str(run.workspace.root)]
    code, _ = supervision.run(command, log, run.workspace.root)
    if code:
        said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        why = said[-1] if said else f"mmrec train ended with exit code {code}"
        raise Stopped(f"{why}\nLog: {short(log)}")
    left = matching([f"{NAME}/*"], run.workspace.root)
    remember(run, NAME, state=state, left=left)
