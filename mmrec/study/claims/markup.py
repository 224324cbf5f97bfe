"""Claims and figures in the pages of the book: an extension of Sphinx.

``{value}`claim.figure``` and ``{value}`table / row / column``` are replaced by the number of the
run that is published. ``[A sentence.]{.claim .name}`` is held to the claim of that name: in the
reference book, a claim that does not hold is a warning and stops the build; in a reader's own book
its sentence is marked, with the run's figures.
"""

from functools import cache
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxRole

from mmrec.errors import StudyError
from mmrec.reports.results import Absent, Results
from mmrec.study.claims.claim import evaluate, named, value_of, written
from mmrec.study.claims.declared import CLAIMS
from mmrec.study.claims.prose import EXEMPT, unlike

RESULTS = "results"
"""Folder of the tables, beside the pages."""

LACKING = "[no result]"
"""Printed instead of a number that the run does not have."""

_log = logging.getLogger(__name__)


class ValueRole(SphinxRole):
    """A figure by its name; see `mmrec.study.claims.claim.value_of`."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """The number as text, marked as taken from the tables."""
        place = self.get_location()
        try:
            text = written(value_of(self.text, _results(_folder(self.env.app)), CLAIMS))
        except Absent as lacking:
            text = LACKING
            if self.config.claims_strict:
                _log.warning(
                    "the reference results lack %s: %s", self.text, lacking, location=place
                )
        except StudyError as mistake:
            text = self.text
            _log.warning("%s", mistake, location=place)
        return [nodes.inline("", text, classes=["value"])], []


def hold(app: Sphinx, doctree: nodes.document) -> None:
    """Compares every marked sentence of a page with its claim."""
    results = _results(_folder(app))
    for span in list(doctree.findall(nodes.inline)):
        if span["classes"][:1] == ["claim"]:
            _hold(span, results, strict=app.config.claims_strict)


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx to load the extension."""
    app.add_config_value("claims_strict", default=False, rebuild="env", types=(bool,))
    app.add_role("value", ValueRole())
    app.connect("doctree-read", hold)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _hold(span: nodes.inline, results: Results, *, strict: bool) -> None:
    name = "".join(span["classes"][1:2])
    try:
        found = evaluate(named(name, CLAIMS), results)
    except StudyError as mistake:
        _log.warning("%s", mistake, location=span)
        return
    if isinstance(found, Absent):
        if strict:
            _log.warning("claim %s: the reference results lack it: %s", name, found, location=span)
        _mark(span, "claim-open", f"not computed in this run: {found}")
    elif not found.holds:
        if strict:
            _log.warning("claim %s does not hold: %s", name, found.told, location=span)
        _mark(span, "claim-fails", f"not so in this run: {found.told}")
    elif strict and (wrong := unlike(_literal(span), found.figures)):
        told = f"claim {name}: {', '.join(wrong)} is none of its figures ({found.told})"
        _log.warning("%s", told, location=span)


def _mark(span: nodes.inline, kind: str, note: str) -> None:
    span["classes"].append(kind)
    span += nodes.inline("", f" [{note}]", classes=["claim-note"])


def _literal(span: nodes.inline) -> str:
    """The text of a sentence without numbers from the tables and without exempt ones."""
    return "".join(
        str(text)
        for text in span.findall(nodes.Text)
        if not {"value", *EXEMPT} & {*_classes(text.parent)}
    )


def _classes(node: nodes.Node) -> list[str]:
    return list(node["classes"]) if isinstance(node, nodes.Element) else []


def _folder(app: Sphinx) -> Path:
    return Path(app.srcdir) / RESULTS


@cache
def _results(folder: Path) -> Results:
    return Results(folder)
