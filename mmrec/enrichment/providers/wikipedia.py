"""Plots from Wikipedia, facts from Wikidata: openly licensed.

An article's text is CC BY-SA 4.0, so whoever passes it on gives credit; ``source`` is the exact
revision. Wikidata is CC0. Both ask to be called one request at a time, by a client that names
itself (set ``MMREC_CONTACT``).
"""

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from mmrec.catalogue import cleaning
from mmrec.catalogue.matching import assess
from mmrec.catalogue.provider import FILM, REJECTED, VERIFIED, Candidate, Facts, Film, Miss, Movie
from mmrec.enrichment.asking import Answer, Options, one_by_one
from mmrec.enrichment.web import Web

LICENCE = "plot: CC BY-SA 4.0 (Wikipedia); facts: CC0 (Wikidata)"
N_CAST = 10

# Wikidata's items for kinds of films: film, feature, short, animated, animated feature, anime,
# documentary, silent, television, 3D and direct-to-video film.
_FILMS = {
    "Q11424",
    "Q24869",
    "Q24862",
    "Q202866",
    "Q29168811",
    "Q20650540",
    "Q93204",
    "Q226730",
    "Q506240",
    "Q229390",
    "Q17123180",
}
_MINUTE = "Q7727"
_CANDIDATES = 8
_PLOT_HEADINGS = {
    "plot",
    "plot summary",
    "plot synopsis",
    "synopsis",
    "story",
    "storyline",
    "premise",
}


def provider(web: Web, options: Options) -> "Wikipedia":
    """The provider, at its public addresses."""
    return Wikipedia(web)


class Wikipedia:
    """The provider.

    Args:
        web: How to ask.
        wikipedia_url: Wikipedia's ``api.php``; ``MMREC_WIKIPEDIA_URL`` or the English one.
        wikidata_url: Wikidata's; ``MMREC_WIKIDATA_URL`` or the public one.
    """

    name = "wikipedia"

    def __init__(
        self, web: Web, *, wikipedia_url: str | None = None, wikidata_url: str | None = None
    ):
        self._web = web
        self._wikipedia = wikipedia_url or os.environ.get(
            "MMREC_WIKIPEDIA_URL", "https://en.wikipedia.org/w/api.php"
        )
        self._wikidata = wikidata_url or os.environ.get(
            "MMREC_WIKIDATA_URL", "https://www.wikidata.org/w/api.php"
        )

    def find(self, movies: Sequence[Movie]) -> Iterator[Answer]:
        """Looks up each movie: by its IMDb id where the list has it, else by title and year."""
        return one_by_one(self.name, movies, self._find)

    def _find(self, movie: Movie) -> Iterator[Answer]:
        items = [_Item(item) for item in self._items(self._found(movie), "claims|aliases")]
        items = [item for item in items if item.is_film]
        if not items:
            yield Miss(movie.movie_id, self.name, "no film of that name found")
            return
        matches = [assess(movie, item.film) for item in items]
        # The first of the best: the search puts the likelier article first.
        best = max(range(len(items)), key=lambda number: matches[number].confidence)
        item, match = items[best], matches[best]
        equals = {
            one.film.imdb_id or one.id
            for one, other in zip(items, matches, strict=True)
            if other.status == VERIFIED and other.confidence == match.confidence
        }
        film = replace(item.film, namesakes=max(len(equals) - 1, 0))
        if movie.imdb_id and movie.imdb_id == film.imdb_id:
            film = replace(film, namesakes=0)
        facts, address = Facts(), item.address
        if match.status != REJECTED:
            names = self._names([*item.directors, *item.cast, *item.genres])
            film = replace(film, directors=_named(names, item.directors))
            address, plot = self._plot(item.article) if item.article else (address, None)
            facts = Facts(
                summary=plot,
                cast=_named(names, item.cast),
                genres=cleaning.genres(_named(names, item.genres)),
                runtime_minutes=item.minutes,
            )
        yield Candidate(movie.movie_id, self.name, film, facts, address, LICENCE)

    def _found(self, movie: Movie) -> list[str]:
        """Ids of Wikidata items that may be the film."""
        if movie.imdb_id:
            query = {"list": "search", "srsearch": f"haswbstatement:P345={movie.imdb_id}"}
            hits = self._ask(self._wikidata, keep=_has_hits, action="query", **query)
            if _has_hits(hits):
                return [hit["title"] for hit in hits["query"]["search"]]
        answer = self._ask(
            self._wikipedia,
            action="query",
            generator="search",
            gsrsearch=f"{movie.title} {movie.year} film",
            gsrlimit=str(_CANDIDATES),
            prop="pageprops",
            ppprop="wikibase_item",
            redirects="1",
            keep=lambda answer: bool(answer.get("query")),
        )
        pages = sorted(answer.get("query", {}).get("pages", []), key=lambda page: page["index"])
        items = [page.get("pageprops", {}).get("wikibase_item") for page in pages]
        return [item for item in items if item]

    def _items(self, ids: list[str], props: str) -> list[dict[str, Any]]:
        if not ids:
            return []
        answer = self._ask(
            self._wikidata,
            action="wbgetentities",
            ids="|".join(ids),
            props=f"labels|sitelinks|{props}" if props else "labels",
            languages="en|mul",
            sitefilter="enwiki",
        )
        return [answer["entities"][one] for one in ids if one in answer.get("entities", {})]

    def _names(self, ids: list[str]) -> dict[str, str]:
        items = self._items(list(dict.fromkeys(ids))[:50], "")
        return {item["id"]: label for item in items if (label := _label(item))}

    def _plot(self, article: str) -> tuple[str, str | None]:
        """Address of the article's revision, and its section on the plot as plain text."""
        answer = self._ask(
            self._wikipedia,
            action="query",
            titles=article,
            prop="extracts|info",
            explaintext="1",
            exsectionformat="wiki",
            exlimit="1",
            inprop="url",
            redirects="1",
        )
        page = answer["query"]["pages"][0]
        address = f"{page.get('fullurl', article)}?oldid={page.get('lastrevid', '')}"
        return address, plot_section(page.get("extract") or "")

    def _ask(
        self,
        url: str,
        keep: Callable[[dict[str, Any]], bool] = lambda answer: True,
        **params: str,
    ) -> dict[str, Any]:
        common = {"format": "json", "formatversion": "2", "maxlag": "5"}
        return self._web.get(url, params | common, read=_read, keep=keep)


def plot_section(extract: str) -> str | None:
    """The plot out of an article's plain text, in which sections begin ``== Like this ==``."""
    texts: list[str] = []
    depth = 0
    for line in extract.splitlines():
        level, name = _heading(line)
        if not level:
            texts += [line] if depth else []
        elif not depth and name.lower() in _PLOT_HEADINGS:
            depth = level
        elif depth and level <= depth:
            break
    return " ".join(" ".join(texts).split()) or None


def _heading(line: str) -> tuple[int, str]:
    """Level and name of a heading; level 0 for a line that is none."""
    line = line.strip()
    level = min(len(line) - len(line.lstrip("=")), len(line) - len(line.rstrip("=")))
    name = line[level:-level].strip() if level else ""
    return (level, name) if level >= 2 and name else (0, "")


def _read(body: bytes) -> dict[str, Any]:
    answer = json.loads(body)
    # A server that lags behind says so with status 200.
    if not isinstance(answer, dict) or "error" in answer:
        said = answer.get("error") if isinstance(answer, dict) else "no object"
        raise ValueError(said.get("code") if isinstance(said, dict) else said)
    return answer


def _has_hits(answer: dict[str, Any]) -> bool:
    return bool(answer.get("query", {}).get("search"))


def _named(names: dict[str, str], ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(names[item] for item in ids if item in names)


def _label(item: dict[str, Any]) -> str | None:
    labels = item.get("labels") or {}
    said = next((labels[code]["value"] for code in ("en", "mul") if code in labels), None)
    return cleaning.text(said)


class _Item:
    """A Wikidata item read as a film; what is not in the form it should be is passed over."""

    def __init__(self, item: dict[str, Any]):
        self._claims = item.get("claims") or {}
        self.id = item["id"]
        self.address = f"https://www.wikidata.org/wiki/{self.id}"
        self.article = cleaning.text((item.get("sitelinks") or {}).get("enwiki", {}).get("title"))
        self.directors = self._ids("P57")
        self.cast = self._ids("P161")[:N_CAST]
        self.genres = self._ids("P136")
        self.is_film = bool(_FILMS & set(self._ids("P31")))
        years = [
            int(year[1])
            for value in self._values("P577")
            if (year := re.match(r"\+(\d{4})-", str(_at(value, "time")), re.ASCII))
        ]
        self.film = Film(
            titles=self._titles(item),
            year=min(years, default=None),
            imdb_id=next((v for v in self._values("P345") if isinstance(v, str)), None),
            kind=FILM,
        )

    def _titles(self, item: dict[str, Any]) -> tuple[Any, ...]:
        """Label, article, the original title (P1476) and aliases."""
        aliases = (item.get("aliases") or {}).values()
        article = re.sub(r" \([^()]*film\)$", "", self.article or "")
        originals = [_at(value, "text") for value in self._values("P1476")]
        others = [_at(alias, "value") for of_one in aliases for alias in of_one]
        return (_label(item), article, *originals, *others)

    def _values(self, name: str) -> list[Any]:
        snaks = [
            claim["mainsnak"]
            for claim in self._claims.get(name, [])
            if claim.get("rank") != "deprecated"
        ]
        return [snak["datavalue"]["value"] for snak in snaks if snak.get("snaktype") == "value"]

    def _ids(self, name: str) -> list[str]:
        found = [_at(value, "id") for value in self._values(name)]
        return [one for one in found if isinstance(one, str)]

    @property
    def minutes(self) -> float | None:
        """Its runtime, if it is given in minutes."""
        lengths = self._values("P2047")
        amounts = [
            cleaning.number(_at(length, "amount"))
            for length in lengths
            if str(_at(length, "unit")).endswith(_MINUTE)
        ]
        return next(filter(None, amounts), None)


def _at(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None
