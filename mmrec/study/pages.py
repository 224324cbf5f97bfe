"""Opens every page of a built book in a browser and lists what is wrong with it."""

import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from mmrec.errors import StudyError
from mmrec.study.browser import Browser
from mmrec.study.stages import Run, short
from mmrec.study.supervision import Stopped
from mmrec.workspace import atomic_path

WIDTHS, HEIGHT = (1280, 390), 900
THEMES = ("light", "dark")
SMALLEST = 9.0
"""The least height of letters in pixels, in text and in drawings."""

MOST = 8
"""Findings of a kind that are printed."""

AXE, AXE_SHA256 = "4.10.3", "880970c081707360e64f34cea25ff91892f5bc95675b0776925b9709dd8a68bb"
"""The version of axe-core that judges accessibility, and the digest of its ``axe.min.js``."""

_PIXELS_PER_POINT = 96 / 72
_MEASURE = Path(__file__).with_suffix(".js")
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
_JUDGE = f"""axe.run(document, {{runOnly: {_RULES}, preload: false}}).then((found) =>
  found.violations.map((rule) => ({{id: rule.id, help: rule.help, nodes: rule.nodes.map((node) =>
    String(node.target))}})))"""
_A_FILE = re.compile(r"[/\\]|\.(png|svg|jpe?g|gif|webp)$", re.I)


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a page.

    Attributes:
        kind: A name of `KINDS`.
        page: Path in the book.
        width: Of the window, in CSS pixels.
        theme: ``light`` or ``dark``.
        what: What it is, and where on the page.
    """

    kind: str
    page: str
    width: int
    theme: str
    what: str


KINDS = {
    "script": "errors of scripts and of the console",
    "request": "requests that leave the machine",
    "overflow": "pages wider than the window",
    "alt": "pictures without a text that says what they show, or that do not load",
    "code": f"code that scrolls sideways at {max(WIDTHS)} px",
    "small": f"letters below {SMALLEST:g} px",
    "axe": "violations of WCAG 2.1 A and AA, found by axe-core",
    "meta": "no description, or not the theme that was asked for",
}


def check(run: Run) -> None:
    """Inspects every page of a run's book, and prints what is wrong.

    The whole list is written to ``logs/pages.json``.

    Raises:
        Stopped: If anything is wrong.
        StudyError: If there is no book, no browser or no axe-core.
    """
    pages = readable(run.pages)
    if not pages:
        raise StudyError("no book is built", where=short(run.pages), remedy="Run make book.")
    axe = axe_core(run.workspace.cache / "axe")
    found = list(look(run.pages, pages, axe))
    log = run.logs / "pages.json"
    with atomic_path(log) as part:
        part.write_text(json.dumps([vars(one) for one in found], indent=1), encoding="utf-8")
    print(f"\n{table(found, [str(page.relative_to(run.pages)) for page in pages])}\n")
    if found:
        raise Stopped(f"{details(found)}\nAll of it: {short(log)}")


def readable(root: Path) -> list[Path]:
    """The pages of a book, without parts of its theme and pages that only redirect."""
    files = [file for file in root.rglob("*.html") if "_static" not in file.parts]
    leads_on = re.compile(r"http-equiv=.?refresh", re.I)
    return sorted(file for file in files if not leads_on.search(file.read_text(encoding="utf-8")))


def look(root: Path, pages: Iterable[Path], axe: str) -> Iterator[Finding]:
    """What is wrong with some pages, at each of the widths and in each of the themes.

    Args:
        root: Folder of the book.
        pages: Files in it.
        axe: The source of axe-core.
    """
    measure = _MEASURE.read_text(encoding="utf-8")
    with Browser() as browser:
        for page, width, theme in product(pages, WIDTHS, THEMES):
            tab = browser.tab()
            tab.shape(width, HEIGHT, theme)
            tab.open(page)
            seen = tab.evaluate(measure)
            tab.evaluate(f"{axe};0")
            judged = tab.evaluate(_JUDGE)
            for kind, what in _wrong(seen, judged, width, theme):
                yield Finding(kind, str(page.relative_to(root)), width, theme, what)
            for error in tab.errors:
                yield Finding("script", str(page.relative_to(root)), width, theme, error)
            for address in tab.requests:
                yield Finding("request", str(page.relative_to(root)), width, theme, address)
            tab.close()


def table(found: Iterable[Finding], pages: Iterable[str]) -> str:
    """The number of findings of each kind, one page per line, and the sums below.

    The same finding at several widths and in several themes counts once.
    """
    counts = Counter((page, kind) for page, kind, _ in {(f.page, f.kind, f.what) for f in found})
    listed = list(pages)
    longest = max(map(len, [*listed, "all pages"]))
    lines = [" ".join([f"{'page':<{longest}}", *(f"{kind:>8}" for kind in KINDS)])]
    for page in listed:
        cells = (f"{counts[page, kind] or '-':>8}" for kind in KINDS)
        lines.append(" ".join([f"{page:<{longest}}", *cells]))
    sums = (f"{sum(counts[page, kind] for page in listed):>8}" for kind in KINDS)
    return "\n".join([*lines, " ".join([f"{'all pages':<{longest}}", *sums])])


def details(found: Iterable[Finding]) -> str:
    """The first few findings of each kind, each with all its places."""
    places: dict[str, dict[str, set[str]]] = {kind: {} for kind in KINDS}
    for one in found:
        places[one.kind].setdefault(one.what, set()).add(f"{one.page} ({one.width}, {one.theme})")
    lines = []
    for kind, whats in places.items():
        if not whats:
            continue
        lines.append(f"{kind}: {KINDS[kind]}")
        for what, where in list(whats.items())[:MOST]:
            more = f" and {len(where) - 1} more" if len(where) > 1 else ""
            lines.append(f"  {what}: {min(where)}{more}")
        if len(whats) > MOST:
            lines.append(f"  and {len(whats) - MOST} more")
    return "\n".join(lines)


def axe_core(folder: Path) -> str:
    """The source of axe-core, fetched by npm on first use; the book itself never loads it.

    Raises:
        StudyError: If npm cannot fetch it, or what it fetched is not the pinned file.
    """
    file = folder / "node_modules" / "axe-core" / "axe.min.js"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        asked = ["npm", "install", "--prefix", str(folder), "--no-save", "--ignore-scripts"]
        try:
            done = subprocess.run(
                [*asked, f"axe-core@{AXE}"], capture_output=True, text=True, timeout=300
            )
            said = done.stderr
        except (FileNotFoundError, subprocess.TimeoutExpired) as error:
            said = str(error)
        if not file.exists():
            raise StudyError(
                f"npm did not fetch axe-core: {' '.join(said.split())[:200]}",
                where=short(folder),
                remedy="Install Node.js with npm, and see that it reaches its registry.",
            )
    source = file.read_bytes()
    if sha256(source).hexdigest() != AXE_SHA256:
        raise StudyError(
            f"this is not axe-core {AXE}", where=short(file), remedy="Delete the folder, try again."
        )
    return source.decode()


def smallest_letters(drawing: str) -> float:
    """The least font size of an SVG at its own width, in pixels; infinite where no text has one."""
    sizes = re.findall(r"font(?:-size)?\s*[:=]\s*\"?[^;\"]*?([\d.]+)(px|pt)?\b(?=[\s;\"])", drawing)
    least = min((float(size) for size, _ in sizes if float(size) > 0), default=float("inf"))
    # matplotlib's drawings are as wide in points as their letters are measured in.
    in_points = re.search(r'<svg\b[^>]*\bwidth="([\d.]+)pt"[^>]*\bviewBox="0 0 ([\d.]+) ', drawing)
    if in_points:
        width, units = map(float, in_points.groups())
        least *= width / units * _PIXELS_PER_POINT
    return least


def _wrong(
    seen: dict[str, Any], judged: list[dict[str, Any]], width: int, theme: str
) -> Iterator[tuple[str, str]]:
    """Kind and wording of every finding in the measurements of one page."""
    if not seen["description"].strip():
        yield "meta", "no description"
    if seen["theme"] != theme:
        yield "meta", f"theme {seen['theme']} in the place of {theme}"
    if seen["beyond"] > 0:
        yield "overflow", f"{seen['beyond']} px too wide: {'; '.join(seen['wide']) or 'unknown'}"
    if width == max(WIDTHS):
        yield from (("code", text) for text in seen["scrolling"])
    if seen["smallest"]["px"] < SMALLEST:
        yield "small", f"{seen['smallest']['px']:.1f} px: {seen['smallest']['text']}"
    for image in seen["images"]:
        yield from _wrong_image(image)
    for rule in judged:
        yield from (("axe", f"{rule['id']}: {node}") for node in rule["nodes"])


def _wrong_image(image: dict[str, Any]) -> Iterator[tuple[str, str]]:
    name = unquote(image["source"]).rsplit("/", 1)[-1][:60]
    alt = (image["alt"] or "").strip()
    if image["broken"]:
        yield "alt", f"{name} does not load"
    elif not image["hidden"] and (not alt or _A_FILE.search(alt)):
        yield "alt", f"{name} has the text {alt!r}"
    parts = urlparse(image["source"])
    if parts.scheme == "file" and parts.path.endswith(".svg"):
        drawing = Path(unquote(parts.path)).read_text(encoding="utf-8")
        if (px := smallest_letters(drawing) * image["scale"]) < SMALLEST:
            yield "small", f"{px:.1f} px in {name}"
