"""The same seed gives the same predictions, bit by bit: in any company, after any interruption."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import joblib
import kinds
import pandas as pd
import pytest
import tiny
from joblib.externals.loky import get_reusable_executor

from mmrec.experiments import runner, store

# Everything that draws numbers in training: order, weights, hidden inputs, samples, factors.
HIDING = replace(tiny.TRAINING, input_dropout=0.5, ema_decay=0.9, variance_preserving_init=True)
NETWORKS = {
    "network": kinds.siamese("text", "meta"),
    "network on ratings": kinds.VECTORS,
}
ROWS = [
    *(
        (row, replace(network, model=replace(network.model, training=HIDING)))
        for row, network in NETWORKS.items()
    ),
    *((kind, kinds.EVERY_KIND[kind]) for kind in ("matrix factorisation", "FM: hybrid")),
]
FILES_OF_A_RUN = 3
# A process with threads of its own that dies on the spot while it writes its last file.
KILLED = """
import os, signal, sys
from pathlib import Path
import test_determinism as here, tiny
from mmrec.experiments import runner, store
from mmrec.workspace import Workspace

whole, files = store.atomic_path, int(sys.argv[2])

def atomic_path(path):
    global files
    files -= 1
    if files < 0:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_name(f".{path.stem}.1.part{path.suffix}").write_text("half")
        os.kill(os.getpid(), signal.SIGKILL)
    return whole(path)

store.atomic_path = atomic_path
root = Path(sys.argv[1])
runner.run("table", here.ROWS, Workspace(root, root), n_jobs=1)
"""


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    made = tiny.workspace(tmp_path_factory.mktemp("expected"))
    return results(made, runner.run("table", ROWS, made, n_jobs=1))


def results(workspace, runs) -> dict[str, tuple[pd.DataFrame, pd.DataFrame, float]]:
    """Predictions, lists and validation RMSE of each row."""
    return {
        run.row: (
            store.predictions(workspace, run.hash),
            store.recommendations(workspace, run.hash),
            run.validation_rmse,
        )
        for run in runs.itertuples()
    }


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for row, (predictions, lists, validation) in expected.items():
        pd.testing.assert_frame_equal(found[row][0], predictions, check_exact=True, obj=row)
        pd.testing.assert_frame_equal(found[row][1], lists, check_exact=True, obj=row)
        assert found[row][2] == validation or pd.isna(validation), row


def test_another_seed_gives_other_predictions(expected, tmp_path):
    """The control: results that are the same for every seed would pass all that follows."""
    made = tiny.workspace(tmp_path)
    rows = [(row, replace(experiment, seed=1)) for row, experiment in ROWS]
    for row, (predictions, *_) in results(made, runner.run("table", rows, made, n_jobs=1)).items():
        assert (predictions["prediction"] != expected[row][0]["prediction"]).mean() > 0.5, row


def test_what_ran_before_makes_no_difference(expected, tmp_path):
    made = tiny.workspace(tmp_path)
    for row, experiment in reversed(ROWS):
        runs = runner.run(row, [(row, experiment)], made, n_jobs=1)
        assert_same(results(made, runs), {row: expected[row]})


def test_a_killed_run_goes_on_with_two_workers_as_if_nothing_had_been(expected, tmp_path):
    made = tiny.workspace(tmp_path)
    written = FILES_OF_A_RUN + 1  # the first run, and the predictions of the second
    environment = {**os.environ, "OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"}
    tests = Path(__file__).parent
    environment["PYTHONPATH"] = os.pathsep.join(map(str, (tests.parent, tests)))
    command = [sys.executable, "-c", KILLED, str(made.root), str(written)]
    killed = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    (record,) = (made.results / "runs").glob("*.json")
    assert len(list((made.results / "predictions").glob("*.parquet"))) == 2
    before = record.stat().st_mtime_ns
    try:
        with joblib.parallel_config("loky"):
            runs = runner.run("table", ROWS, made, n_jobs=2)
    finally:
        get_reusable_executor().shutdown(wait=True)
    assert record.stat().st_mtime_ns == before, "what was finished ran again"
    assert_same(results(made, runs), expected)
