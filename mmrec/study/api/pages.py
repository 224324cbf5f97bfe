"""The reference of the package, one page for each of its rooms."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from textwrap import indent

from mmrec.study.api import docstrings, signatures
from mmrec.study.api.source import Item, Module, Names, read


@dataclass(frozen=True)
class Room:
    """A page of the reference.

    Attributes:
        title: Of the page.
        purpose: What the room is for, in a paragraph.
        holds: Its folder in the package, or its modules without ``.py``; of the study those that
            are called from outside.
    """

    title: str
    purpose: str
    holds: tuple[str, ...]


ROOMS = {
    "ground": Room(
        "Common ground",
        "What every room uses: the workspace in which a run keeps its files, the settings of a "
        "profile, the two kinds of errors that are told without a traceback, and the digest of "
        "code under which results are kept.",
        ("workspace", "settings", "errors", "provenance", "hardware", "progress"),
    ),
    "catalogue": Room(
        "Catalogue",
        "Reads MovieLens-100K and what other sources say of its films, and decides which of these "
        "statements are about the right film. The result is a `Catalogue` of three tables: "
        "movies, ratings and users.",
        ("catalogue",),
    ),
    "enrichment": Room(
        "Enrichment",
        "Makes the same catalogue for films of your own, from a list or a folder and from web "
        "services. It is what ``mmrec enrich`` runs.",
        ("enrichment",),
    ),
    "features": Room(
        "Features",
        "Turns text, pictures, sound and facts into vectors. Every way ends in a "
        "`FeatureTable`, one row per movie, which says how it was made.",
        ("features",),
    ),
    "models": Room(
        "Models",
        "One file per model. A frozen configuration describes a model in full and builds it; the "
        "model learns by ``fit`` from `TrainingData`, and answers by ``predict`` and "
        "``recommend``. Models know features and training ratings, and nothing of protocols.",
        ("models",),
    ),
    "evaluation": Room(
        "Evaluation",
        "Divides ratings into folds and protocols, keeps test ratings sealed, and measures: errors "
        "in stars, scores of lists, intervals and tests.",
        ("evaluation",),
    ),
    "experiments": Room(
        "Experiments",
        "Says which models are trained for which table, trains them, and keeps every result under "
        "a hash of what it depends on.",
        ("experiments",),
    ),
    "reports": Room(
        "Reports",
        "Makes of finished runs what a reader sees: summaries, paired comparisons, printed tables "
        "and figures.",
        ("reports",),
    ),
    "recommending": Room(
        "Recommending",
        "The model that ``mmrec train`` leaves and ``mmrec recommend`` asks: recommendations with "
        "reasons and intervals, for visitors, for users, and for films that are in no data set.",
        ("recommending",),
    ),
    "exporting": Room(
        "Exporting",
        "Writes catalogue, features, folds and predictions in the forms that other programs read, "
        "with the terms of every source. It is what ``mmrec export`` runs.",
        ("exporting",),
    ),
    "study": Room(
        "Study",
        "Decides which notebooks are out of date, executes them, and builds this book. Its part "
        "``claims`` holds the sentences of the book to the tables. Here are the modules that its "
        "tasks and tests call, and the open data of the study.",
        (
            *(f"study/{name}" for name in ("stages", "staleness", "execution", "book", "pages")),
            *(f"study/claims/{name}" for name in ("claim", "prose")),
            "study/api/source",
            "open_data",
        ),
    ),
}
"""The pages, in the order in which the rooms may use each other."""


def pages() -> dict[str, str]:
    """The pages in reStructuredText, by the names of :data:`ROOMS`."""
    rooms = {name: read(room.holds) for name, room in ROOMS.items()}
    names = Names({name: one for room in rooms.values() for name, one in room.modules.items()})
    return {name: "\n".join(_page(room, rooms[name], names)) + "\n" for name, room in ROOMS.items()}


def _page(room: Room, own: Names, names: Names) -> Iterator[str]:
    modules = own.modules.values()

    def known(name: str) -> str | None:
        return next((at for one in modules if (at := names.find(name, one))), None)

    yield from _heading(room.title, "=")
    yield docstrings.linked(room.purpose, known)
    yield ""
    for module in modules:
        if module.items:
            yield from _module(module, names)


def _module(module: Module, names: Names) -> Iterator[str]:
    yield from _heading(module.name, "-")
    yield from (f".. py:module:: {module.name}", "")
    yield from (docstrings.as_rst(module.doc, partial(names.find, module=module)), "")
    for item in module.items:
        yield from _item(item, module, names)


def _item(item: Item, module: Module, names: Names, within: str = "") -> Iterator[str]:
    owner = within or (item.name if item.kind == "class" else "")
    find = partial(names.find, module=module, within=owner)
    find_class = partial(names.find_class, module=module)
    name = item.name.rpartition(".")[2]
    yield f".. py:{item.kind}:: {name}{signatures.signature(item, find_class)}"
    for option, value in signatures.options(item, find_class).items():
        yield f"   :{option}: {value}".rstrip()
    if within:
        yield "   :no-contents-entry:"
    yield ""
    bases = signatures.bases(item, find_class)
    made_from = [f":py:obj:`{base.rpartition('.')[2]} <{base}>`" for base in bases]
    if made_from:
        yield from (f"   Made from {' and '.join(made_from)}.", "")
    yield from (indent(docstrings.as_rst(item.doc, find), "   "), "")
    for part in item.parts:
        yield from (indent(line, "   ") for line in _item(part, module, names, item.name))


def _heading(text: str, rule: str) -> tuple[str, str, str]:
    return text, rule * len(text), ""
