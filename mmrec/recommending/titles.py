"""Which film a title means: as people write it, or the closest ones there are."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher

from mmrec.catalogue.cleaning import title_key
from mmrec.catalogue.movielens import split_title
from mmrec.errors import StudyError
from mmrec.recommending.storing import Film
from mmrec.terminal import plain

OFFERED = 4
"""Closest titles that are offered where none is meant for certain."""

_LIKE = 0.5
_LONGEST = 300


class Titles:
    """The films of a model by their titles."""

    def __init__(self, films: Sequence[Film], counts: Sequence[int]) -> None:
        """Takes films, and how often each was rated: of one film's ids that with most is meant."""
        self._films, self._counts = films, counts
        self._places: dict[str, list[int]] = defaultdict(list)
        for place, film in enumerate(films):
            title, alternate, _ = split_title(film.title)
            whole = f"{title} {alternate}" if alternate else title
            for name in {title, alternate or title, whole}:
                if key := title_key(name):
                    self._places[key].append(place)

    def find(self, said: str, *, year: int | None = None, where: str) -> int:
        """Position of the film that a title means.

        Case, accents, punctuation and articles do not count; a year at the end does.

        Args:
            said: ``"The Usual Suspects"``, ``"Usual Suspects, The (1995)"``, …
            year: Of the film, if it is told apart from the title.
            where: What the title was given by, for the message.

        Raises:
            StudyError: No film has the title, or several have; the closest are named.
        """
        right = self.meant(said, year)
        if len(self._distinct(right)) == 1:
            return self.pick(right)
        if right:
            remedy = f"Write one of: {self._named(right)}."
        else:
            close = self._called(said) or self._closest(title_key(split_title(said)[0]))
            remedy = f"Closest: {self._named(close)}." if close else "Check its spelling."
        raise StudyError(self.refused(said, year), where=where, remedy=remedy)

    def meant(self, said: str, year: int | None = None) -> list[int]:
        """Positions of all films that a title may mean: of one, of several, or of none."""
        wanted = year or split_title(said)[2]
        return [place for place in self._called(said) if wanted in (None, self._films[place].year)]

    def find_quietly(self, said: str, year: int | None = None) -> int | None:
        """Position of the film that a title means; None if it is no film's, or several films'."""
        right = self.meant(said, year)
        return self.pick(right) if len(self._distinct(right)) == 1 else None

    def refused(self, said: str, year: int | None = None) -> str:
        """Why a title means no film, in a few words."""
        number = len(self._distinct(self.meant(said, year)))
        if number:
            return f"{number} films are called {shown(said)}"
        return f"no film is called {shown(said)}" + (f" ({year})" if year else "")

    def pick(self, places: Iterable[int]) -> int:
        """Of the ids of one film that with most ratings."""
        return max(places, key=lambda place: (self._counts[place], -place))

    def _called(self, said: str) -> list[int]:
        title, alternate, _ = split_title(said)
        names = (title, f"{title} {alternate}" if alternate else title)
        return sorted({place for name in names for place in self._places.get(title_key(name), ())})

    def _distinct(self, places: Iterable[int]) -> set[int]:
        return {self._films[place].film_id for place in places}

    def _named(self, places: Iterable[int]) -> str:
        """Names of films, the most-rated first, each once."""
        order = sorted(places, key=lambda place: -self._counts[place])
        names = dict.fromkeys(f'"{self._films[place].name}"' for place in order)
        return ", ".join(list(names)[:OFFERED])

    def _closest(self, key: str) -> list[int]:
        """Films whose titles are most like a key: they hold its words, or spell it nearly so."""
        wanted = key[:_LONGEST]
        words = set(wanted.split())
        matcher = SequenceMatcher(autojunk=False)
        matcher.set_seq2(wanted)
        scored: list[tuple[float, str]] = []
        for name in self._places:
            matcher.set_seq1(name[:_LONGEST])
            if words and words <= set(name.split()):
                scored.append((1.0, name))
            elif matcher.real_quick_ratio() > _LIKE and matcher.quick_ratio() > _LIKE:
                likeness = matcher.ratio()
                if likeness > _LIKE:
                    scored.append((likeness, name))
        most = {
            name: max(self._counts[place] for place in self._places[name]) for _, name in scored
        }
        best = sorted(scored, key=lambda one: (-one[0], -most[one[1]]))[:OFFERED]
        return [place for _, name in best for place in self._places[name]]


def shown(said: str) -> str:
    """A text in quotes, on one line and not too long, whatever was typed."""
    text = plain(said)
    return f'"{text[:80]}{"…" if len(text) > 80 else ""}"'
