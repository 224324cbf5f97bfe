"""The results of all claims on a run: for the terminal, and for the page of the run."""

from collections.abc import Mapping
from pathlib import Path

from mmrec.reports.results import Absent, Results
from mmrec.study.claims.claim import Check, evaluate
from mmrec.study.claims.declared import CLAIMS
from mmrec.study.claims.prose import expressions, marked, text_of, uncovered

Found = Mapping[str, Check | Absent]


def findings(results: Path) -> Found:
    """The result of every claim on the tables of a folder."""
    read = Results(results)
    return {name: evaluate(claim, read) for name, claim in CLAIMS.items()}


def section(found: Found, pages: Mapping[str, str]) -> str:
    """A section on the sentences that do not hold in a run; empty if all hold.

    Args:
        found: The result of each claim.
        pages: Text of each page by its name in the book.
    """
    rows = []
    for page, text in pages.items():
        for sentence in marked(text):
            check = found.get(sentence.claim)
            if check is None or (isinstance(check, Check) and check.holds):
                continue
            told = f"not computed: {check}" if isinstance(check, Absent) else check.told
            rows.append(f"| {{doc}}`/{page}` | `{sentence.claim}` | {told} |\n")
    if not rows:
        return ""
    return (
        "\n## Sentences that are not so in this run\n\n"
        "The text comments on the reference run. These sentences are marked where they stand.\n\n"
        "| page | claim | in this run |\n|---|---|---|\n" + "".join(rows)
    )


def listing(results: Path, pages: Mapping[str, Path]) -> str:
    """Every claim with its figures; for each page, how many are used, and the uncovered figures.

    Args:
        results: Folder of the tables.
        pages: File of each page by its name.
    """
    found = findings(results)
    states = {name: _state(check) for name, check in found.items()}
    lines = [f"{state:<12}  {name:<38}  {_told(found[name])}" for name, state in states.items()]
    counts = ", ".join(
        f"{sum(state == kind for state in states.values())} {kind}"
        for kind in ("holds", "NOT SO", "not computed")
    )
    lines += ["", f"{len(found)} claims: {counts}", ""]
    total = 0
    for page, path in pages.items():
        text = text_of(path)
        bare = uncovered(text)
        total += len(bare)
        lines.append(
            f"{page:<40}  {len(marked(text)):>3} marked sentences, {len(expressions(text)):>3} "
            f"figures by name, {len(bare):>3} that no claim covers"
            + (f": {', '.join(bare[:12])}{' …' if len(bare) > 12 else ''}" if bare else "")
        )
    return "\n".join([*lines, "", f"{total} figures in prose that no claim covers"])


def _state(check: Check | Absent) -> str:
    if isinstance(check, Absent):
        return "not computed"
    return "holds" if check.holds else "NOT SO"


def _told(check: Check | Absent) -> str:
    return str(check) if isinstance(check, Absent) else check.told
