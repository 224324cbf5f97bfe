"""Pages in a headless browser, without a network: what a script has made of them."""

import json
import re
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from mmrec.study.browser import OPTIONS, PROGRAMS, program

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
