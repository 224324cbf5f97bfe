"""The reference of the package says what its text says, and every link in it leads somewhere."""

import json
import re
from functools import partial

import pytest
import yaml

from mmrec.errors import StudyError
from mmrec.study.api import docstrings, listing, pages, signatures
from mmrec.study.api.source import Names, read
from mmrec.study.stages import STAGES
from mmrec.workspace import PROJECT
from tests import tiny

MODULE = '''
"""What it is for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from made.other import Base
from made.other import Base as Renamed

LIMIT = 3
"""Of `Record`s."""

_HIDDEN = 1
"""Of no concern."""

UNTOLD = 2


@dataclass(frozen=True)
class Record(Base):
    """A record.

    Attributes:
        name: What it is called.
        kind: One of two.
    """

    name: str
    kind: Literal["Base", "other"] = "other"
    parts: Mapping[str, "Base"] = field(default_factory=dict)

    @classmethod
    def open(cls, name: str) -> "Record":
        """Opens one; see :func:`make` and :meth:`whole`."""

    @property
    def whole(self) -> Renamed | None:
        """All of it, float [n]."""

    def _private(self): ...

    def untold(self): ...


def make(record: "Record", *names: str, at: np.ndarray | None = None) -> Base:
    """Makes ``Base`` of a `Record`.

    Args:
        record: To make it of.
        names: Of the parts.

    Raises:
        Wrong: There is nothing to make, as of :class:`numpy.ndarray`.
    """


def _private(): ...
'''


@pytest.fixture
def names(tmp_path) -> Names:
    """A package of two modules."""
    package = tmp_path / "made"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "first.py").write_text(MODULE)
    (package / "other.py").write_text(
        'class Base:\n    """A base."""\n\n    def __init__(self, size: int = 2) -> None: ...\n\n\n'
        'class Wrong(Exception):\n    """It is wrong."""\n'
    )
    return read(["first", "other"], package)


def rendered(names: Names) -> str:
    return "\n".join(pages._module(names.modules["made.first"], names))


def test_what_is_public_and_told_is_listed_with_types_that_lead_to_their_classes(names):
    page = rendered(names)
    assert "\n``made.first``\n" in page
    listed = re.findall(r"^ *\.\. py:(\w+):: (.*)$", page, re.MULTILINE)
    assert listed == [
        ("module", "made.first"),
        ("data", "LIMIT"),
        (
            "class",
            "Record(name: str, kind: Literal['Base', 'other'] = 'other', "
            "parts: Mapping[str, ~made.other.Base] = ...)",
        ),
        ("method", "open(name: str) -> ~made.first.Record"),
        ("property", "whole"),
        (
            "function",
            "make(record: ~made.first.Record, *names: str, at: np.ndarray | None=None)"
            " -> ~made.other.Base",
        ),
    ]
    assert "   :value: 3\n" in page
    assert "      :classmethod:\n" in page
    assert "      :type: ~made.other.Base | None\n" in page
    assert "   Made from :py:obj:`Base <made.other.Base>`." in page


def test_names_in_docstrings_are_links_or_code(names):
    page = rendered(names)
    for link in (
        "Of :py:obj:`Record <made.first.Record>`\\ s.",
        ":py:obj:`make() <made.first.make>` and :py:obj:`whole() <made.first.Record.whole>`",
        "Makes ``Base`` of a :py:obj:`Record <made.first.Record>`.",
        ":raises ~made.other.Wrong: There is nothing to make, as of ``numpy.ndarray``.",
        ":ivar name: What it is called.",
        ":param record: To make it of.",
    ):
        assert link in page, link
    assert "HIDDEN" not in page
    assert "private" not in page


def test_a_class_that_is_no_record_shows_how_it_is_made(names):
    module = names.modules["made.other"]
    (base, wrong) = module.items
    find = partial(names.find_class, module=module)
    assert signatures.signature(base, find) == "(size: int=2)"
    assert signatures.signature(wrong, find) == ""


# --- the package itself ---------------------------------------------------------------------------


def test_every_page_is_in_the_table_of_contents_in_the_order_of_the_rooms():
    contents = yaml.safe_load((PROJECT / "book" / "_toc.yml").read_text(encoding="utf-8"))
    (index,) = contents["parts"][-1]["chapters"]
    assert index["file"] == "api/index"
    assert [page["file"] for page in index["sections"]] == [f"api/{name}" for name in pages.ROOMS]
    index_page = (PROJECT / "book" / "api" / "index.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\{doc\}`(\w+)`", index_page)) == set(pages.ROOMS)


def test_roles_in_docstrings_name_what_the_pages_describe():
    """A link to a class or function of the package that leads nowhere is a mistake in its name."""
    names = read(one for room in pages.ROOMS.values() for one in room.holds)
    others = {"torch", "numpy", "matplotlib", "pandas"}
    lost = []
    for module in names.modules.values():
        told = [(module.doc, "")]
        for item in module.items:
            told += [(item.doc, item.name), *((part.doc, item.name) for part in item.parts)]
        for doc, within in told:
            for kind, name in re.findall(r":(class|func|meth|mod|exc):`~?([^`]+)`", doc):
                found = names.find(name, module, within)
                if found is None and name.split(".")[0] not in others:
                    lost.append(f"{module.name}: {kind} {name}")
    assert lost == []


def test_the_pages_hold_what_users_call():
    made = pages.pages(pages.callers())
    assert set(made) == set(pages.ROOMS)
    for page, told in {
        "ground": ".. py:class:: Workspace(root: Path, cache: Path)",
        "models": ".. py:module:: mmrec.models.siamese_network",
        "features": ".. py:class:: FeatureTable(",
        "evaluation": "~mmrec.evaluation.protocols.Split",
        "catalogue": ":raises ~mmrec.errors.StudyError:",
    }.items():
        assert told in made[page], told


def test_only_modules_that_are_called_are_listed():
    text = "from mmrec.errors import StudyError\nfrom mmrec import hardware, workspace\n"
    made = pages.pages(text + "see {py:obj}`x <mmrec.models.base.Recommender>`")
    listed = re.findall(r"py:module:: (\S+)", "".join(made.values()))
    assert sorted(listed) == [
        "mmrec.errors",
        "mmrec.hardware",
        "mmrec.models.base",
        "mmrec.workspace",
    ]


# --- code in chapters -----------------------------------------------------------------------------

SHOWN = re.compile(r"```\{listing\} (\S+)\n((?::\w+: .*\n)*)")
MOST_LINES = 40


def shown() -> list[tuple[str, tuple[str, ...]]]:
    """What the chapters ask to be listed: a name, and methods."""
    found = []
    for stage in STAGES:
        path = PROJECT / "notebooks" / f"{stage.name}.ipynb"
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            for name, options in SHOWN.findall("".join(cell["source"])):
                only = re.findall(r":only: (.*)", options)
                found.append((name, tuple(" ".join(only).split())))
    return found


def test_chapters_show_the_network_and_how_ratings_are_divided():
    names = {name for name, _ in shown()}
    assert {
        "mmrec.models.siamese_network.SiameseNetwork",
        "mmrec.evaluation.protocols.Protocol",
    } <= names


@pytest.mark.parametrize(("name", "only"), shown(), ids=str)
def test_listed_code_can_be_taken_in_at_a_glance(name, only):
    code = listing.listing(name, only)
    assert len(code.splitlines()) <= MOST_LINES
    assert '"""' not in code
    text = listing.file_of(name).read_text(encoding="utf-8")
    assert all(line.strip() in text for line in code.splitlines())


def test_methods_stand_below_the_first_line_of_their_class():
    name = "mmrec.models.siamese_network.SiameseNetwork"
    lines = listing.listing(name, ("encode_users", "rate")).splitlines()
    assert lines[0] == "class SiameseNetwork(nn.Module):"
    assert [line for line in lines if line.startswith("    def")] == [
        "    def encode_users(self, users: Tensor) -> Tensor:",
        "    def rate(self, users: Tensor, movies: Tensor) -> Tensor:",
    ]


@pytest.mark.parametrize(
    ("name", "only"),
    [
        ("mmrec.nothing.at_all", ()),
        ("mmrec.errors.Nobody", ()),
        ("mmrec.errors.StudyError", ("x",)),
    ],
)
def test_code_that_is_not_there_is_an_error(name, only):
    with pytest.raises(StudyError, match="no such function or class"):
        listing.listing(name, only)


# --- docstrings -----------------------------------------------------------------------------------


def test_code_and_other_roles_stay_as_they_are():
    text = "``a `b` c`` and :math:`K` and :cite:p:`hoerl1970ridge`"
    assert docstrings.linked(text, lambda name: name) == text


@pytest.mark.slow
def test_the_example_of_the_first_page_works(tmp_path, monkeypatch):
    text = (PROJECT / "book" / "api" / "index.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    monkeypatch.setenv("MMREC_BUILD", str(tmp_path))
    tiny.workspace(tmp_path).root.rename(tmp_path / "quick")
    names: dict = {}
    exec(example, names)
    assert 0 < names["outcome"].record["rmse"] < 4
