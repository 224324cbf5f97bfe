"""The reference of the package, one page for each of its rooms."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from textwrap import indent

from mmrec.provenance import PACKAGE
from mmrec.study.api import docstrings, signatures
from mmrec.study.api.source import Item, Module, Names, read
from mmrec.workspace import PROJECT


@dataclass(frozen=True)
class Room:
    """A page of the reference.

    Attributes:
        title: Of the page.
        purpose: What the room is for, in a paragraph.
        holds: Its folders in the package, or its modules without ``.py``.
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
        "``claims`` holds the sentences of the book to the tables. The open data of the study have "
        "their place here, too.",
        ("study", "open_data"),
    ),
}
"""The pages, in the order in which the rooms may use each other."""


def pages(callers: str) -> dict[str, str]:
    """The pages in reStructuredText, by the names of :data:`ROOMS`.

    Args:
        callers: Text that names modules of the package; others are left out. See :func:`callers`.
    """
    rooms = {name: _named(read(room.holds), callers) for name, room in ROOMS.items()}
    names = Names({name: one for room in rooms.values() for name, one in room.modules.items()})
    return {name: "\n".join(_page(room, rooms[name], names)) + "\n" for name, room in ROOMS.items()}


def callers(project: Path = PROJECT) -> str:
    """What names the modules that others call: chapters, commands, tasks and recipes.

    A page for each of the two hundred modules would cost the book a third of the time it takes.
    """
    files = [
        *sorted((project / "notebooks").glob("*.ipynb")),
        *sorted((project / "mmrec" / "commands").glob("*.py")),
        *(project / name for name in ("dodo.py", "CONTRIBUTING.md", "book/api/index.md")),
    ]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def _named(names: Names, text: str) -> Names:
    """The modules that a text imports or names in full."""
    whole = set(re.findall(r"mmrec(?:\.\w+)+", text))
    parts = re.findall(r"from (mmrec(?:\.\w+)*) import ([\w, ]+)", text)
    whole |= {f"{room}.{name.strip()}" for room, some in parts for name in some.split(",")}
    called = whole | {name.rpartition(".")[0] for name in whole}
    return Names({name: module for name, module in names.modules.items() if name in called})


def _page(room: Room, own: Names, names: Names) -> Iterator[str]:
    modules = own.modules.values()

    def known(name: str) -> str | None:
        return next((at for one in modules if (at := names.find(name, one))), None)

    yield from _heading(room.title, "=")
    yield docstrings.linked(room.purpose, known)
    yield ""
    above = f"{PACKAGE.name}." + (f"{room.holds[0]}." if len(room.holds) == 1 else "")
    for module in modules:
        if module.items:
            yield from _heading(module.name.removeprefix(above), "-")
            yield from _module(module, names)


def _module(module: Module, names: Names) -> Iterator[str]:
    yield from (f".. py:module:: {module.name}", "", f"``{module.name}``", "")
    find = partial(names.find, module=module)
    yield from (docstrings.as_rst(module.doc, find, names.error), "")
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
    yield from (indent(docstrings.as_rst(item.doc, find, names.error), "   "), "")
    for part in item.parts:
        yield from (indent(line, "   ") for line in _item(part, module, names, item.name))


def _heading(text: str, rule: str) -> tuple[str, str, str]:
    return text, rule * len(text), ""
