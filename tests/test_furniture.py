"""What pages carry besides their text, with the repository's address and without it."""

import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from mmrec.errors import StudyError
from mmrec.study import added_pages
from mmrec.workspace import PROJECT

BOOK = PROJECT / "book"
FURNITURE = runpy.run_path(str(BOOK / "_ext" / "furniture.py"))
REPOSITORY = "https://github.com/Someone/a-study"
CAPTION = "Two bars, the second of them twice as high."


def built(folder: Path, repository: str) -> Path:
    """A book of two pages with the settings of ours."""
    source = folder / "source"
    shutil.copytree(BOOK / "_ext", source / "_ext")
    shutil.copytree(BOOK / "_static", source / "_static")
    shutil.copytree(BOOK / "figures", source / "figures")
    settings = yaml.safe_load((BOOK / "_config.yml").read_text(encoding="utf-8"))
    settings["repository"]["url"] = repository
    del settings["bibtex_bibfiles"], settings["sphinx"]["config"]["html_extra_path"]
    (source / "_config.yml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    (source / "_toc.yml").write_text(
        "{format: jb-book, root: first, "
        "chapters: [{file: notebooks/second, sections: [{file: third}]}]}"
    )
    figure = f":::{{figure}} figures/problem.svg\n{CAPTION}\n:::\n"
    text = "A page says in its first paragraph what it is about, in <one> sentence."
    (source / "first.md").write_text(f"# First\n\n{text}\n\n{figure}")
    (source / "third.md").write_text("# Third\n\nA page below another page.\n")
    (source / "notebooks").mkdir()
    shutil.copy(PROJECT / "notebooks" / "08_rating_masking.ipynb", source / "notebooks")
    second = source / "notebooks" / "08_rating_masking.ipynb"
    second.rename(source / "notebooks" / "second.ipynb")
    command = [str(Path(sys.executable).with_name("jupyter-book")), "build", str(source)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return source / "_build" / "html"


@pytest.fixture(scope="module", params=["", REPOSITORY], ids=["no address", "an address"])
def pages(request, tmp_path_factory) -> tuple[str, str, str]:
    folder = built(tmp_path_factory.mktemp("book"), request.param)
    names = ("first.html", "notebooks/second.html")
    return (request.param, *((folder / name).read_text(encoding="utf-8") for name in names))


@pytest.mark.slow
def test_pages_are_described_and_load_nothing_for_live_code(pages):
    _, first, second = pages
    assert 'name="description" content="A page says in its first paragraph' in first
    assert "in &lt;one&gt; sentence." in first
    for page in (first, second):
        assert len(re.findall(r'<meta name="description"', page)) == 1
        assert "THEBE_JS_URL" not in page
        assert "x-thebe-config" not in page
        assert "logo.svg" in page


@pytest.mark.slow
def test_an_arrow_beside_nested_pages_has_a_name(pages):
    _, first, second = pages
    for page in (first, second):
        named = page.count('<summary aria-label="Pages of this part">')
        assert named == page.count('class="toctree-toggle"') > 0


@pytest.mark.slow
def test_pictures_say_what_their_caption_says(pages):
    _, first, second = pages
    assert f'alt="{CAPTION}"' in first
    shown = re.findall(r'<img [^>]*src="\.\./_images/[^>]*', second)
    assert shown
    assert all(re.search(r'alt="[A-Z][^"]{20,}"', image) for image in shown)


@pytest.mark.slow
def test_figures_that_may_scroll_are_reached_by_the_keyboard(pages):
    _, *shown = pages
    for page in shown:
        assert page.count("<figure") == page.count('<figure tabindex="0"') > 0


@pytest.mark.slow
def test_links_follow_from_the_one_address(pages):
    repository, first, second = pages
    links = {
        f"{REPOSITORY}/edit/main/book/first.md": first,
        f"{REPOSITORY}/edit/main/notebooks/second.ipynb": second,
        f"{REPOSITORY}/issues/new": first,
        "https://mybinder.org/v2/gh/Someone/a-study/main": second,
        "colab.research.google.com/github/Someone/a-study/blob/main/notebooks/second": second,
        '"og:image" content="https://someone.github.io/a-study/_static/card.png"': first,
    }
    assert {link: link in page for link, page in links.items()} == dict.fromkeys(
        links, bool(repository)
    )
    if not repository:
        for page in (first, second):
            assert not re.search(r"github\.com|mybinder|colab|og:image|issues/new", page)


@pytest.mark.parametrize(
    ("repository", "address"),
    [
        ("https://github.com/A/b", "https://a.github.io/b/"),
        ("https://github.com/A/b.git", "https://a.github.io/b/"),
        ("https://example.org/A/b", ""),
        ("https://github.com/A", ""),
    ],
)
def test_the_published_address(repository, address):
    assert FURNITURE["published_at"](repository) == address


def test_the_card_is_what_its_script_draws():
    card = Image.open(BOOK / "_static" / "card.png")
    drawn = runpy.run_path(str(BOOK / "figures" / "card.py"))["drawn"]()
    assert card.size == drawn.size
    differs = np.abs(np.asarray(card, float) - np.asarray(drawn, float))
    assert differs.mean() < 1  # the edges of letters differ between versions of FreeType
    assert (BOOK / "_static" / "card.png").stat().st_size < 200_000


# --- pages written from files ---------------------------------------------------------------------


def test_the_citation_page_says_what_the_citation_file_says():
    entry = yaml.safe_load((PROJECT / "CITATION.cff").read_text(encoding="utf-8"))
    page = added_pages.citation(PROJECT / "CITATION.cff")
    assert entry["title"] in page
    assert f"version = {{{entry['version']}}}" in page
    assert "@inproceedings{pingali2022," in page
    assert "author = {Harper, F. Maxwell and Konstan, Joseph A.}" in page
    for one in entry["references"]:
        assert one["doi"] in page
    assert "url = " not in page.split("## What")[0] or "repository-code" in entry


@pytest.mark.parametrize("text", ["", "title: x", "[", "message: m\ndate-released: 2026-01-01"])
def test_an_incomplete_citation_is_an_error(tmp_path, text):
    (tmp_path / "CITATION.cff").write_text(text)
    with pytest.raises(StudyError, match=r"CITATION\.cff: not a complete citation"):
        added_pages.citation(tmp_path / "CITATION.cff")


def test_every_table_is_listed_with_its_rows_and_columns(tmp_path):
    (tmp_path / "b.csv").write_text('model,rmse\n"a, b",1\nc,2\n')
    (tmp_path / "a.csv").write_text("")
    page = added_pages.downloads(tmp_path, ["01_first"])
    assert "{download}`b.csv <results/b.csv>` | 2 | `model`, `rmse` |" in page
    assert "{download}`a.csv <results/a.csv>` | 0 |" in page
    assert page.index("a.csv") < page.index("b.csv")
    assert "{doc}`notebooks/01_first`" in page
    assert "{download}`01_first.ipynb <notebooks/01_first.ipynb>`" in page
