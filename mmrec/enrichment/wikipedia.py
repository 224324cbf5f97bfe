"""Plots from Wikipedia, facts from Wikidata: openly licensed.

An article's text is CC BY-SA 4.0, so whoever passes it on gives credit; ``source`` is the exact
revision. Wikidata is CC0. Both ask to be called one request at a time, by a client that names
itself (set ``MMREC_CONTACT``).
"""

import json
import os
import re
from collections.abc import Iterator

import pandas as pd

from mmrec.catalogue import matching
from mmrec.catalogue.finding import Finding, Match, Miss, judge, movielens_genres
from mmrec.enrichment.web import Unanswered, Web

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
_HEADING = re.compile(r"^(==+) *(.+?) *\1 *$", re.MULTILINE)
_PLOT_HEADINGS = {
    "plot",
    "plot summary",
    "plot synopsis",
    "synopsis",
    "story",
    "storyline",
    "premise",
}


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

    def find(self, movies: pd.DataFrame) -> Iterator[Finding | Miss]:
        """Looks up each movie: by its IMDb id where the list has it, else by title and year."""
        for movie in movies.itertuples():
            try:
                yield self._find(movie)
            except Unanswered as error:
                yield Miss(movie.movie_id, self.name, str(error))
            except (KeyError, IndexError, TypeError, AttributeError) as error:
                yield Miss(movie.movie_id, self.name, f"an answer of another form ({error!r})")

    def _find(self, movie) -> Finding | Miss:
        films = [_Item(item) for item in self._items(self._candidates(movie), "claims|aliases")]
        films = [film for film in films if film.is_film]
        if not films:
            return Miss(movie.movie_id, self.name, "no film of that name found")
        matches = [judge(movie, film.titles, film.year, film.imdb_id) for film in films]
        # The first of the best: the search puts the likelier article first.
        match, film = max(zip(matches, films, strict=True), key=lambda pair: pair[0].confidence)
        if match.status == matching.REJECTED:
            return self._finding(movie, film, match, film.address, {})
        names = self._names([*film.directors, *film.cast, *film.genres])
        address, plot = self._plot(film.article) if film.article else (film.address, None)
        fields = {
            "imdb_id": film.imdb_id,
            "directors": [names[item] for item in film.directors if item in names],
            "cast": [names[item] for item in film.cast if item in names],
            "genres": movielens_genres(names[item] for item in film.genres if item in names),
            "runtime_minutes": film.minutes,
            "summary": plot,
        }
        return self._finding(movie, film, match, address, fields)

    def _finding(self, movie, film: "_Item", match: Match, address: str, fields: dict) -> Finding:
        known = {name: value for name, value in fields.items() if value}
        title = film.titles[0] if film.titles else film.id
        return Finding(movie.movie_id, self.name, title, film.year, match, address, LICENCE, known)

    def _candidates(self, movie) -> list[str]:
        """Ids of Wikidata items that may be the film."""
        if movie.imdb_id:
            query = {"list": "search", "srsearch": f"haswbstatement:P345={movie.imdb_id}"}
            hits = self._ask(self._wikidata, action="query", **query).get("query", {})
            if hits.get("search"):
                return [hit["title"] for hit in hits["search"]]
        answer = self._ask(
            self._wikipedia,
            action="query",
            generator="search",
            gsrsearch=f"{movie.title} {movie.year} film",
            gsrlimit=str(_CANDIDATES),
            prop="pageprops",
            ppprop="wikibase_item",
            redirects="1",
        )
        pages = sorted(answer.get("query", {}).get("pages", []), key=lambda page: page["index"])
        items = [page.get("pageprops", {}).get("wikibase_item") for page in pages]
        return [item for item in items if item]

    def _items(self, ids: list[str], props: str) -> list[dict]:
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

    def _ask(self, url: str, **params: str) -> dict:
        return self._web.get(
            url, {**params, "format": "json", "formatversion": "2", "maxlag": "5"}, read=_read
        )


def plot_section(extract: str) -> str | None:
    """The plot out of an article's plain text, in which sections begin ``== Like this ==``."""
    _, *parts = _HEADING.split(extract)
    texts, depth = [], None
    for level, name, text in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        if depth is None and name.lower() in _PLOT_HEADINGS:
            depth = len(level)
        elif depth is not None and len(level) <= depth:
            break
        if depth is not None:
            texts.append(text)
    return " ".join(" ".join(texts).split()) or None


def _read(body: bytes) -> dict:
    answer = json.loads(body)
    # A server that lags behind says so with status 200.
    if not isinstance(answer, dict) or "error" in answer:
        raise ValueError(answer["error"]["code"] if isinstance(answer, dict) else "no object")
    return answer


def _label(item: dict) -> str | None:
    labels = item.get("labels") or {}
    return next((labels[code]["value"] for code in ("en", "mul") if code in labels), None)


class _Item:
    """A Wikidata item read as a film."""

    def __init__(self, item: dict):
        self._claims = item.get("claims") or {}
        self.id = item["id"]
        self.address = f"https://www.wikidata.org/wiki/{self.id}"
        self.article = (item.get("sitelinks") or {}).get("enwiki", {}).get("title")
        aliases = (item.get("aliases") or {}).values()
        article = re.sub(r" \([^()]*film\)$", "", self.article or "")
        names = [_label(item), article, *(alias["value"] for of_one in aliases for alias in of_one)]
        self.titles = [name for name in names if name]
        years = [re.match(r"\+(\d{4})", value["time"]) for value in self._values("P577")]
        self.year = min((int(year[1]) for year in years if year), default=None)
        self.imdb_id = next(iter(self._values("P345")), None)
        self.directors = self._ids("P57")
        self.cast = self._ids("P161")[:N_CAST]
        self.genres = self._ids("P136")
        self.is_film = bool(_FILMS & set(self._ids("P31")))

    def _values(self, name: str) -> list:
        snaks = [
            claim["mainsnak"]
            for claim in self._claims.get(name, [])
            if claim.get("rank") != "deprecated"
        ]
        return [snak["datavalue"]["value"] for snak in snaks if snak.get("snaktype") == "value"]

    def _ids(self, name: str) -> list[str]:
        return [value["id"] for value in self._values(name)]

    @property
    def minutes(self) -> float | None:
        lengths = self._values("P2047")
        return next((float(v["amount"]) for v in lengths if v["unit"].endswith(_MINUTE)), None)
