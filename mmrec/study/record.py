"""The record of a run, ``results/run.json``, and the page of the book that shows it."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from mmrec import hardware
from mmrec.errors import StudyError
from mmrec.study.stages import Run
from mmrec.workspace import atomic_path, kept

NAME = "run.json"


class StageRecord(BaseModel):
    """The record of one stage.

    Attributes:
        seconds: How long it took when it last ran; what was stored is not done again.
        training_seconds: How long the trainings behind its tables took, added up, whenever they
            were done. Each has one core, and those that stages share count in each of them.
        peak_memory_mb: Resident memory of all its processes together, at most.
        cells: Digest of the notebook's code cells that computed the outputs.
        package: Digest of the package's code and of the libraries behind them; None if it was not
            recorded.
        processor: What it ran on; None if it was not recorded.
    """

    seconds: float
    training_seconds: float = 0
    peak_memory_mb: int
    cells: str
    package: str | None = None
    processor: str | None = None


class Hardware(BaseModel):
    """The computer of a run, as described by `mmrec.hardware.describe`."""

    python: str
    system: str
    processor: str
    cores: int
    capabilities: list[str]

    @property
    def called(self) -> str:
        """The processor, and those of its instructions that affect the training of networks."""
        return ", ".join([self.processor, *self.capabilities])


class Source(BaseModel):
    """A source of data and the place that served it; other fields are kept as they are."""

    model_config = ConfigDict(extra="allow")

    place: str
    licence: str


class RunRecord(BaseModel):
    """The machine and the inputs of a run, and how long its stages took."""

    profile: str
    hardware: Hardware
    versions: dict[str, str | None]
    sources: dict[str, Source]
    stages: dict[str, StageRecord]


def read(run: Run) -> RunRecord | None:
    """The record of a run, None if there is none.

    Raises:
        StudyError: If it is the committed one and cannot be read; a damaged record of a run is
            replaced by a new one.
    """
    path = run.results / NAME
    if not run.committed:
        return kept(path, _parsed)
    try:
        return _parsed(path)
    except (OSError, ValueError) as error:
        raise StudyError(
            "the record of the reference run cannot be read",
            where=path,
            remedy="Restore it from version control.",
        ) from error


def _parsed(path: Path) -> RunRecord:
    return RunRecord.model_validate_json(path.read_bytes())


def add(run: Run, name: str, stage: StageRecord) -> None:
    """Adds a stage to the record, with the hardware and the sources of now."""
    known = read(run)
    served = kept(run.workspace.catalogue / "sources.json", _served) or {}
    here = Hardware.model_validate(hardware.describe())
    ran = stage.model_copy(update={"processor": here.called})
    stages = {**(known.stages if known else {}), name: ran}
    record = RunRecord(
        profile=run.profile,
        hardware=here,
        versions=hardware.versions(),
        sources=served,
        stages=dict(sorted(stages.items())),
    )
    with atomic_path(run.results / NAME) as part:
        part.write_text(record.model_dump_json(indent=1) + "\n", encoding="utf-8")


class _Sources(BaseModel):
    sources: dict[str, Source]


def _served(path: Path) -> dict[str, Source]:
    return _Sources.model_validate_json(b'{"sources":' + path.read_bytes() + b"}").sources


def page(record: RunRecord | None, changed: Mapping[str, str]) -> str:
    """The book's page on a run.

    Args:
        record: The record, if there is one.
        changed: What has changed in each stage whose code has changed since its last execution.

    Returns:
        Markdown: time and memory per stage, code that has changed since, the hardware, the sources
        served, the versions.
    """
    title = "# The run\n\nWhat made the pages you read.\n"
    if record is None:
        return f"{title}\nNo record of it was kept.\n"
    seconds = sum(stage.seconds for stage in record.stages.values())
    facts = {
        "profile": f"`{record.profile}`",
        **record.hardware.model_dump(),
        "capabilities": ", ".join(record.hardware.capabilities) or "none",
        "time of the last executions": f"{seconds / 60:.1f} min",
    }
    stages = [
        (
            f"`{name}`",
            f"{stage.seconds:.0f}",
            f"{stage.training_seconds / 60:.0f}",
            f"{stage.peak_memory_mb / 1000:.1f}",
            stage.processor or "not recorded",
        )
        for name, stage in record.stages.items()
    ]
    served = [(name, source.place, source.licence) for name, source in record.sources.items()]
    return "\n".join(
        [
            title,
            _changes(changed),
            _table("The hardware.", ("", ""), facts.items()),
            _table(
                "Time and peak memory of each stage when it last ran. Stored trainings are not "
                "repeated; the second column of times adds up how long they took on one core each, "
                "whenever that was. Stages share some of them.",
                ("stage", "time, s", "training, min", "memory, GB", "processor"),
                stages,
            ),
            _table(
                "Sources, and the place that served each.", ("source", "place", "terms"), served
            ),
            _table("Versions.", ("package", "version"), record.versions.items()),
        ]
    )


def _changes(changed: Mapping[str, str]) -> str:
    if not changed:
        return "Every output was made by the code that is shown with it.\n"
    rows = [(f"`{name}`", what) for name, what in changed.items()]
    return _table("Stages whose code has changed since.", ("stage", "what has changed"), rows)


def _table(caption: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    text = "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
    return f":::{{table}} {caption}\n{text}\n:::\n"
