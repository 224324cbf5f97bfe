"""Registries of what can be chosen by name: encoders, sources of media, word vectors."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from mmrec.errors import StudyError

E = TypeVar("E")
N = TypeVar("N", bound="Encoder")
T = TypeVar("T")
log = logging.getLogger(__name__)


class Registry(dict[str, E]):
    """Entries of one kind by name; an unknown name raises an error that lists the valid ones.

    ``registry["mine"] = entry`` adds one.

    Args:
        kind: What the entries are, for messages.
        entries: Name to entry.
    """

    def __init__(self, kind: str, entries: Iterable[tuple[str, E]] | dict[str, E]):
        super().__init__(entries)
        self.kind = kind

    def __missing__(self, name: str) -> E:
        raise StudyError(
            f"no such name {name!r}", where=self.kind, remedy=f"Known: {', '.join(self)}."
        )

    def first(self, names: Sequence[str], attempt: Callable[[E], T]) -> tuple[str, T]:
        """Goes down an ordered list of names and takes the first that is available.

        Args:
            names: In order of preference.
            attempt: Returns the result for an entry, or raises StudyError that says why it is
                not available.

        Returns:
            The name, and what ``attempt`` gave. Why earlier names were passed over is logged in
            one line.

        Raises:
            StudyError: If a name is unknown, which is reported before anything is tried, or if
                none is available.
        """
        refusals = []
        for name, entry in [(name, self[name]) for name in names]:
            try:
                result = attempt(entry)
            except StudyError as error:
                refusals.append(f"{name}: {error.what}")
                continue
            if refusals:
                passed_over = "; ".join(refusals)
                log.warning("%s: taking %s (not available: %s)", self.kind, name, passed_over)
            return name, result
        raise self.none_available(refusals)

    def none_available(self, refusals: Sequence[str]) -> StudyError:
        """The error for a list of names of which none is available, each with its reason."""
        return StudyError(
            f"none is available ({'; '.join(refusals)})" if refusals else "the list is empty",
            where=self.kind,
            remedy="Name another one in the profile, or make one of these available.",
        )


@dataclass(frozen=True)
class Encoder:
    """The common part of encoders of pictures and of sound.

    Encoders are equal if their names are: a process loads a network once, however often it is
    handed the encoder.

    Attributes:
        name: Its name in profiles and feature tables.
        title: Its name in captions.
        weights: Gives the verified file of weights, or raises StudyError; None if there is none.
    """

    name: str
    title: str = field(compare=False)
    weights: Callable[[], Path] | None = field(compare=False)

    def instead_of(self, title: str) -> str | None:
        """The encoder of the paper that this one replaces, or None."""
        return None if self.title == title else f"{self.title} for {title}"

    def weights_name(self) -> str:
        """Name of the file of weights, once it is there and verified."""
        return self.weights().name if self.weights else "none"


def by_name(kind: str, *encoders: N) -> Registry[N]:
    """The registry of a modality's encoders."""
    return Registry(kind, {encoder.name: encoder for encoder in encoders})


def choose(encoders: Registry[N], names: Sequence[str]) -> N:
    """The first encoder of an ordered list whose weights are available; see `Registry.first`."""
    name, _ = encoders.first(names, lambda encoder: encoder.weights_name())
    return encoders[name]
