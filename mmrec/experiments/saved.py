"""How large a fitted model is on disk."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mmrec.errors import StudyError
from mmrec.experiments.data import Data
from mmrec.experiments.execution import divide, training_data
from mmrec.experiments.spec import Experiment


def saved_bytes(experiment: Experiment, data: Data, chosen: dict[str, Any]) -> int:
    """Bytes of the files of an experiment's model, fitted again with what was chosen.

    Args:
        experiment: One that is refitted.
        data: Its data.
        chosen: The settings that its run chose, as in the column ``chosen`` of its runs.

    Raises:
        StudyError: Its model cannot be saved.
    """
    model = experiment.model.build()
    save = getattr(model, "save", None)
    if save is None:
        raise StudyError(
            f"{experiment.model_name} cannot be saved",
            where="size of a model",
            remedy="Ask for a model with a method `save`.",
        )
    split = divide(experiment, data, joined=experiment.refit)
    model.fit(training_data(experiment, data, split), seed=experiment.seed, chosen=chosen)
    with TemporaryDirectory() as folder:
        save(Path(folder))
        return sum(file.stat().st_size for file in Path(folder).iterdir())
