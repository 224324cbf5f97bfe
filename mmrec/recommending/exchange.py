"""Who asks the model, and what is answered: for people and for programs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mmrec.recommending.people import Person


@dataclass(frozen=True)
class Answer:
    """An answer.

    Attributes:
        lines: For people.
        made: Makes :attr:`data`.
        notices: What was passed over, each in one line; it is in ``data`` too.
    """

    lines: Sequence[str]
    made: Callable[[], Mapping[str, Any]]
    notices: Sequence[str] = ()

    @cached_property
    def data(self) -> Mapping[str, Any]:
        """For programs, in the form that the book describes; made when it is asked for.

        It holds every reason of every film, and the lines two of each.
        """
        return self.made()


@dataclass(frozen=True)
class Somebody:
    """Who is asked about.

    Attributes:
        person: The person.
        data: What was said of him or her.
        notices: What of it was passed over.
        number: Of a user of the model's ratings; None for a visitor.
    """

    person: Person
    data: Mapping[str, Any]
    notices: Sequence[str] = ()
    number: int | None = None
