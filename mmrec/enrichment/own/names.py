"""Which film is meant by an id, a title, or the name of a file."""

from collections.abc import Iterable, Sequence

from mmrec.catalogue.cleaning import words_key
from mmrec.enrichment.lists import Row

_KIND = {"trailer", "teaser", "poster", "synopsis", "summary"}


class Names:
    """The films of a list by everything that they may be called.

    An id is asked first, then title and year, then the title alone, then the id as a name of a file
    may have it. Titles are compared without case, accents, punctuation and a leading article.

    Args:
        rows: The films.
        ids: Whether the list has ids of its own. Numbers that the list was given here are no names:
            they would mean another film once a row is added.
    """

    def __init__(self, rows: Iterable[Row], *, ids: bool):
        self._tiers: list[dict[str, list[int]]] = [{}, {}, {}, {}]
        exact, dated, titled, slug = self._tiers
        for row in rows:
            movie = row.movie
            if ids:
                _add(exact, row.own_id.strip().casefold(), movie.movie_id)
                _add(slug, words_key(row.own_id), movie.movie_id)
            for title in movie.titles:
                _add(dated, words_key(f"{title} {movie.year}"), movie.movie_id)
                _add(titled, words_key(title), movie.movie_id)

    def find(self, said: str) -> list[int]:
        """Movie ids of the films that may be meant: none, one, or several of the same name."""
        exact, *tiers = self._tiers
        if found := exact.get(said.strip().casefold()):
            return found
        key = words_key(said)
        return next((tier[key] for tier in tiers if key in tier), [])

    def of_file(self, stem: str) -> list[int]:
        """The same for the name of a file without its suffix: ``lamp_1994`` or ``Lamp - Trailer``.

        >>> from mmrec.catalogue.provider import Movie
        >>> names = Names([Row(2, Movie(7, "The Lamp", 1994), "7", {})], ids=False)
        >>> names.of_file("the-lamp-1994"), names.of_file("Lamp_1994_trailer"), names.of_file("7")
        ([7], [7], [])
        """
        if found := self.find(stem):
            return found
        words: Sequence[str] = words_key(stem).split()
        return self.find(" ".join(words[:-1])) if words and words[-1] in _KIND else []


def _add(tier: dict[str, list[int]], key: str, movie_id: int) -> None:
    if key and movie_id not in tier.setdefault(key, []):
        tier[key].append(movie_id)
