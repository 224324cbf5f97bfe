"""The stages of the study, in order, and where a run of them keeps its files."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mmrec.errors import StudyError
from mmrec.settings import COMMITTED, REFERENCE
from mmrec.workspace import PROJECT, Workspace

_CATALOGUE = ("catalogue/*",)
_FEATURES = ("catalogue/*", "features/*")


@dataclass(frozen=True)
class Stage:
    """One notebook of the study.

    Attributes:
        name: File name of the notebook, without ``.ipynb``.
        reads: Patterns of the files in the workspace that it takes from earlier stages.
        reads_sources: Whether it also reads the mirror, the user's trailers and the open data.
    """

    name: str
    reads: tuple[str, ...]
    reads_sources: bool = False


STAGES = (
    Stage("01_dataset_enrichment", (), reads_sources=True),
    Stage("02_text_embedding", _CATALOGUE, reads_sources=True),
    Stage("03_video_embedding", _CATALOGUE, reads_sources=True),
    Stage("04_audio_embedding", _CATALOGUE, reads_sources=True),
    Stage("05_knowledge_graph", _CATALOGUE, reads_sources=True),
    Stage("06_siamese_training", _FEATURES),
    Stage("07_modality_ablation", _FEATURES),
    Stage("08_rating_masking", _FEATURES),
    Stage("09_rating_vectors", _FEATURES),
    Stage("10_protocol_and_baselines", _FEATURES),
    Stage("11_cold_start", _FEATURES),
    Stage("12_new_films", _FEATURES),
    Stage("13_one_person_ten_films", _FEATURES),
)


@dataclass(frozen=True)
class Run:
    """One run of the study, or the committed notebooks in the place of one.

    Attributes:
        profile: Its profile, or :data:`mmrec.settings.COMMITTED`.
        workspace: Where it keeps its files.
        sources: Folder of the notebooks as they are written.
        book: Folder of the book's pages.
    """

    profile: str
    workspace: Workspace
    sources: Path = PROJECT / "notebooks"
    book: Path = PROJECT / "book"

    @classmethod
    def open(cls, profile: str) -> "Run":
        """The run of a profile in its own workspace."""
        return cls(profile, Workspace.open(profile))

    @property
    def committed(self) -> bool:
        """Whether these are the committed notebooks, which are not executed."""
        return self.profile == COMMITTED

    def refuse_committed(self) -> None:
        """Ends what needs a run of a profile.

        Raises:
            StudyError: If these are the committed notebooks.
        """
        if self.committed:
            raise StudyError(
                "the committed notebooks are the reference run and are not run again",
                where=f"profile={COMMITTED}",
                remedy=f"Run it yourself with PROFILE={REFERENCE}, or build their book: make book.",
            )

    @property
    def executed(self) -> Path:
        """Folder of the executed notebooks."""
        return self.sources if self.committed else self.workspace.root / "notebooks"

    @property
    def results(self) -> Path:
        """Folder of the tables and of ``run.json``."""
        return self.book / "results" if self.committed else self.workspace.results

    @property
    def pages(self) -> Path:
        """Folder of the finished book."""
        return self.workspace.root / "book"

    @property
    def logs(self) -> Path:
        """Folder of one log per stage."""
        return self.workspace.root / "logs"

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters of the notebooks, whose own default is the reference profile."""
        return {} if self.profile == REFERENCE else {"profile": self.profile}


def short(path: Path) -> Path:
    """A path relative to the project, if it lies within it."""
    return path.relative_to(PROJECT) if path.is_relative_to(PROJECT) else path


def matching(patterns: Iterable[str], root: Path) -> list[Path]:
    """The matching files under a folder in order, without hidden ones."""
    found = {path for pattern in patterns for path in root.glob(pattern) if path.is_file()}
    return sorted(path for path in found if not path.name.startswith("."))
