"""Pages in a headless browser, without a network: what a script has made of them."""

import json
import re
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from mmrec.study.browser import OPTIONS, PROGRAMS, program

HOSTILE = "<img src=x onerror=\"document.body.id='run'\">=1+1</script>"
"""The beginning of a title that would act if a page took it for HTML."""

ELSEWHERE = re.compile(r"https?:|fetch\(|XMLHttp|import\(|innerHTML|outerHTML|insertAdj")
"""What a page would load something from elsewhere with, or take a text for HTML with."""

needed = pytest.mark.skipif(program() is None, reason=f"none of {', '.join(PROGRAMS)} is installed")


def opened(page: Path, folder: Path) -> str:
    """The document of a page after its scripts have run, opened from the disk.

    Args:
        page: The file.
        folder: For what the browser keeps.
    """
    options = [
        *OPTIONS,
        "--virtual-time-budget=20000",
        f"--user-data-dir={folder / 'browser'}",
        "--dump-dom",
    ]
    done = subprocess.run(
        [str(program()), *options, page.as_uri()], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def body_of(page: Path, folder: Path) -> str:
    """The HTML that a page of the book holds as it is, with its files where they are.

    Args:
        page: The page's text.
        folder: The page's files, which it knows by the folder's name.
    """
    (found,) = re.findall(r"```\{raw\} html\n(.*?)```", page.read_text("utf-8"), re.S)
    return found.replace(f'"{folder.name}/', f'"{folder.as_uri()}/')


def without_scripts(body: str, folder: Path) -> str:
    """The document of a page where scripts are switched off.

    Args:
        body: The page's HTML.
        folder: Where the page is put.
    """
    page = folder / "page.html"
    policy = '<meta http-equiv="Content-Security-Policy" content="script-src \'none\'">'
    page.write_text(f'<!doctype html><meta charset="utf-8">{policy}{body}', encoding="utf-8")
    return opened(page, folder)


def check_hostile_titles(body: str, selector: str, folder: Path) -> None:
    """Asserts that titles which begin with :data:`HOSTILE` are shown as they are, and do nothing.

    Args:
        body: The page's HTML, with films of such titles.
        selector: Of an element that shows a title.
        folder: Where the page is put.
    """
    script = f"""[document.querySelectorAll("img").length, document.body.id,
      document.querySelector("{selector}").textContent]"""
    pictures, ran, shown = computed(script, [], folder, body=body)
    assert (pictures, ran) == (0, "")
    assert shown.startswith(HOSTILE)


def computed(script: str, scripts: list[Path], folder: Path, *, body: str = "") -> Any:
    """What an expression is in a page with some scripts, as JSON.

    Args:
        script: A JavaScript expression.
        scripts: Files that the page loads first, in order.
        folder: Where the page is put.
        body: The page's HTML above the scripts.
    """
    loaded = "".join(f'<script src="{path.as_uri()}"></script>' for path in scripts)
    told = f'document.getElementById("told").textContent = JSON.stringify({script});'
    page = folder / "page.html"
    page.write_text(
        f'<!doctype html><meta charset="utf-8">{body}{loaded}<pre id="told"></pre>'
        f"<script>{told}</script>",
        encoding="utf-8",
    )
    found = re.search(r'<pre id="told">(.*?)</pre>', opened(page, folder), re.S)
    assert found is not None
    assert found[1], "the script has failed"
    return json.loads(unescape(found[1]))
