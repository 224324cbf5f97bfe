"""The check of every page finds what is wrong with one, and nothing on a page that is sound."""

import json

import pytest

from mmrec.errors import StudyError
from mmrec.study import browser as control
from mmrec.study import pages
from mmrec.study.pages import KINDS, Finding
from mmrec.study.stages import Run
from mmrec.study.supervision import Stopped
from mmrec.workspace import Workspace
from tests import browser

# In the place of axe-core, which needs npm: it finds every button without words.
JUDGE = """window.axe = {run: async () => ({violations: [{id: "button-name", help: "", nodes:
  [...document.querySelectorAll("button:empty")].map(() => ({target: ["button"]}))}]})}"""
PAGE = """<!doctype html><html><head><meta charset="utf-8">{head}
<meta name="viewport" content="width=device-width"><script>
document.documentElement.dataset.theme = localStorage.getItem("theme");</script></head>
<body style="margin: 0"><article class="bd-article">{body}</article></body></html>"""
DRAWING = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 50" width="100" height="50">'
    '<text y="20" font-size="{size}" font-family="sans-serif">words</text></svg>'
)
SOUND = '<img src="drawing.svg" alt="A drawing of words"><pre>x = 1</pre><p>Text.</p>'
WRONG = {
    "script": "<script>undefinedFunction();</script>",
    "request": '<img src="https://example.org/pixel" alt="A pixel" aria-hidden="true">',
    "overflow": '<div style="width: 2000px">wide</div>',
    "alt": '<img src="drawing.svg" alt="_images/drawing.svg">',
    "code": f'<pre style="overflow: auto">{"x" * 500}</pre>',
    "small": '<p style="font-size: 6px">fine print</p>',
    "axe": "<button></button>",
}


def written(folder, body, *, described=True, size=12):
    (folder / "drawing.svg").write_text(DRAWING.format(size=size))
    head = '<meta name="description" content="A page">' if described else ""
    page = folder / "page.html"
    page.write_text(PAGE.format(head=head, body=body))
    return page


def looked(folder, body, **how) -> list[Finding]:
    return list(pages.look(folder, [written(folder, body, **how)], JUDGE))


@pytest.mark.slow
@browser.needed
def test_a_sound_page_has_nothing_wrong(tmp_path):
    assert looked(tmp_path, SOUND) == []


@pytest.mark.slow
@browser.needed
def test_everything_wrong_is_found_at_each_width_in_each_theme(tmp_path):
    found = looked(tmp_path, "".join(WRONG.values()), described=False)
    assert {one.kind for one in found} == set(KINDS)
    for kind in KINDS:
        places = {(one.width, one.theme) for one in found if one.kind == kind}
        widths = (1280,) if kind == "code" else pages.WIDTHS
        assert places == {(width, theme) for width in widths for theme in pages.THEMES}, kind


@pytest.mark.slow
@browser.needed
@pytest.mark.parametrize("kind", [kind for kind in WRONG if kind != "request"])
def test_one_wrong_thing_is_found_alone(tmp_path, kind):
    assert {one.kind for one in looked(tmp_path, SOUND + WRONG[kind])} == {kind}


@pytest.mark.slow
@browser.needed
def test_small_letters_in_a_drawing_are_found(tmp_path):
    found = looked(tmp_path, SOUND, size=5)
    assert {(one.kind, one.what) for one in found} == {("small", "5.0 px in drawing.svg")}


@pytest.mark.parametrize(
    ("size", "px"), [('width="100" height="50"', 9), ('width="100pt" height="50pt"', 12)]
)
def test_letters_of_a_drawing_are_as_large_as_its_width_makes_them(size, px):
    drawing = f'<svg {size} viewBox="0 0 100 50"><text style="font-size: 9px; fill: red">a</text>'
    assert pages.smallest_letters(drawing) == px


@pytest.mark.slow
@browser.needed
def test_the_task_stops_prints_the_table_and_keeps_the_list(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(pages, "axe_core", lambda folder: JUDGE)
    run = Run("smoke", Workspace(tmp_path / "run", tmp_path / "cache"))
    run.pages.mkdir(parents=True)
    written(run.pages, SOUND + WRONG["axe"])
    with pytest.raises(Stopped, match=r"axe: violations[^\n]*\n  button-name: button: page\.html"):
        pages.check(run)
    assert "page.html" in capsys.readouterr().out
    kept = json.loads((run.logs / "pages.json").read_text())
    assert len(kept) == len(pages.WIDTHS) * len(pages.THEMES)
    written(run.pages, SOUND)
    pages.check(run)
    assert json.loads((run.logs / "pages.json").read_text()) == []


def test_pages_that_lead_on_and_parts_of_the_theme_are_not_read(tmp_path):
    page = written(tmp_path, SOUND)
    (tmp_path / "_static").mkdir()
    (tmp_path / "_static" / "part.html").write_text("<p>")
    (tmp_path / "index.html").write_text('<meta http-equiv="Refresh" content="0; url=page.html">')
    assert pages.readable(tmp_path) == [page]


def test_without_a_book_the_remedy_is_told(tmp_path):
    run = Run("smoke", Workspace(tmp_path / "run", tmp_path / "cache"))
    with pytest.raises(StudyError, match=r"no book is built.*make book"):
        pages.check(run)


def test_the_same_finding_counts_once_and_tells_how_many_places():
    found = [
        Finding("alt", "a.html", width, theme, "x.png has the text ''")
        for width in pages.WIDTHS
        for theme in pages.THEMES
    ]
    rows = pages.table(found, ["a.html", "b.html"]).splitlines()
    header, first, second, total = (row.split() for row in rows)
    assert dict(zip(header, first, strict=True))["alt"] == "1"
    assert set(second[1:]) == {"-"}
    assert total[2:] == ["1" if kind == "alt" else "0" for kind in KINDS]
    assert "x.png has the text '': a.html (1280, dark) and 3 more" in pages.details(found)


def test_a_file_that_is_not_axe_core_is_refused(tmp_path):
    file = tmp_path / "node_modules" / "axe-core" / "axe.min.js"
    file.parent.mkdir(parents=True)
    file.write_text("another")
    with pytest.raises(StudyError, match="this is not axe-core"):
        pages.axe_core(tmp_path)


def test_without_npm_the_remedy_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StudyError, match=r"npm did not fetch axe-core.*Install Node\.js"):
        pages.axe_core(tmp_path)


def test_a_browser_that_has_ended_is_not_one_that_is_slow(tmp_path, monkeypatch):
    dead = tmp_path / "dead"
    dead.write_text("#!/bin/sh\nexit 1\n")
    dead.chmod(0o755)
    monkeypatch.setattr(control, "program", lambda: str(dead))
    with control.Browser() as opened, pytest.raises(StudyError, match="ended before it answered"):
        opened.tab()
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nexec cat <&3\n")
    slow.chmod(0o755)
    monkeypatch.setattr(control, "program", lambda: str(slow))
    monkeypatch.setattr(control, "_PATIENCE", 0.1)
    with control.Browser() as opened, pytest.raises(StudyError, match=r"no answer within 0 s"):
        opened.tab()
