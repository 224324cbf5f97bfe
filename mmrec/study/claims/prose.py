"""Claims and figures in the text of a page or a notebook."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mmrec.study.claims.claim import Figure

FIGURE = re.compile(r"(?<![\w.])(?<!Python )[-−]?\d+(?:\.\d{2,}|(?:\.\d+)?(?= %))(?![\d.]*\d)")
"""What reads like a result: a number with two decimals or more, or a share in per cent."""

EXEMPT = frozenset(["given", "measured"])
"""Classes of numbers that follow from no table of a run.

``[0.001]{.given}`` is a setting or a constant. ``[95.0 %]{.measured}`` was measured on a file that
is no table, and a test measures it again. Longer passages stand between the comments
``<!-- given -->`` and ``<!-- /given -->``, or ``measured``.
"""

_VALUE = re.compile(r"\{value\}`([^`]+)`")
_SPAN = re.compile(r"\]\{([^{}]*)\}")
_COMMENT = re.compile(r"<!-- claim: (\w+) -->(.*?)<!-- /claim -->", re.DOTALL)
_EXEMPT = re.compile(r"<!-- (given|measured) -->.*?<!-- /\1 -->", re.DOTALL)
_NO_PROSE = re.compile(
    r"^(`{3,}|~{3,}).*?^\1|\$\$.*?\$\$|\$[^$\n]+\$|(?:\{[\w:-]+\})?(`+)[^`].*?\2|\]\([^)]*\)"
    r"|^\s*(?:#|:\w+:|:::).*?$|<!--.*?-->",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Marked:
    """A sentence that carries the name of a claim.

    Attributes:
        claim: Name of the claim.
        sentence: Its text, as it is written in the page.
    """

    claim: str
    sentence: str


def text_of(path: Path) -> str:
    """The text of a page, or of a notebook's text cells."""
    content = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return content
    cells = json.loads(content)["cells"]
    return "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")


def marked(text: str) -> list[Marked]:
    """The sentences that carry a claim.

    ``[sentence]{.claim .name}`` in a page of the book, and where that would be seen by readers,
    ``<!-- claim: name -->sentence<!-- /claim -->``.
    """
    spans = [
        Marked(classes[1], text[start + 1 : end])
        for start, end, classes in _spans(text)
        if classes[:1] == ["claim"] and len(classes) > 1
    ]
    return spans + [Marked(name, inner) for name, inner in _COMMENT.findall(text)]


def expressions(text: str) -> list[str]:
    """What the page quotes by name, as ``{value}`expression```."""
    return _VALUE.findall(text)


def figures(text: str) -> list[str]:
    """Numbers that are written out and read like results, without those of `EXEMPT`."""
    without = [*text]
    for start, end, classes in _spans(text):
        if EXEMPT.intersection(classes):
            without[start:end] = " " * (end - start)
    prose = _NO_PROSE.sub(" ", _EXEMPT.sub(" ", "".join(without)))
    return FIGURE.findall(prose)


def measured(text: str) -> list[str]:
    """The contents of the spans of the class ``measured``, in order."""
    return [text[start + 1 : end] for start, end, classes in _spans(text) if "measured" in classes]


def uncovered(text: str) -> list[str]:
    """Written figures outside every sentence that carries a claim."""
    without = [*text]
    for start, end, classes in _spans(text):
        if "claim" in classes:
            without[start:end] = " " * (end - start)
    return figures(_COMMENT.sub(" ", "".join(without)))


def unlike(sentence: str, known: Mapping[str, Figure]) -> list[str]:
    """Written figures of a sentence that are not among those of its claim."""
    return [figure for figure in figures(sentence) if not _is_one_of(figure, known)]


def _is_one_of(figure: str, known: Mapping[str, Figure]) -> bool:
    digits = len(figure.partition(".")[2])
    number = figure.replace("−", "-")
    for value in known.values():
        if isinstance(value, str):
            if value.removesuffix(" %") == number:
                return True
        elif number in (f"{value:.{digits}f}", f"{abs(value):.{digits}f}"):
            return True
    return False


def _spans(text: str) -> Iterator[tuple[int, int, list[str]]]:
    """Start, end and classes of each ``[…]{.class .class}``, without the braces."""
    for found in _SPAN.finditer(text):
        depth, start = 0, found.start()
        while start >= 0:
            depth += {"]": 1, "[": -1}.get(text[start], 0)
            if depth == 0:
                break
            start -= 1
        if start >= 0:
            classes = [word[1:] for word in found.group(1).split() if word.startswith(".")]
            yield start, found.start(), classes
