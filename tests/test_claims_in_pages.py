"""Claims: what they come to on the committed tables, and how pages are held to them."""

import contextlib
import io
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sphinx.application import Sphinx

from mmrec.errors import StudyError
from mmrec.reports.results import Absent, Results
from mmrec.study import book
from mmrec.study.claims import prose, report
from mmrec.study.claims.claim import check, evaluate, percent, value_of, written
from mmrec.study.claims.declared import CLAIMS
from mmrec.study.stages import Run
from mmrec.workspace import PROJECT, Workspace

RESULTS = PROJECT / "book" / "results"
PAGES = book.written_pages(Run.open("reference"))
"""Every page that is written, with the chapters and the README."""


@pytest.fixture(scope="module")
def results() -> Results:
    return Results(RESULTS)


# --- claims ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CLAIMS)
def test_every_claim_holds_in_the_reference(name, results):
    found = evaluate(CLAIMS[name], results)
    assert not isinstance(found, Absent), found
    assert found.holds, found.told


class Changed(Results):
    """The reference's tables with numbers dealt anew and verdicts drawn, or with fewer rows."""

    def __init__(self, draw: int):
        rng = np.random.default_rng(draw)
        tables = {}
        for path in sorted(RESULTS.glob("*.csv")):
            rows = pd.read_csv(path)
            keys = ["n_folds", "masking", "support_size"]
            for column in rows.select_dtypes("number").columns.difference(keys):
                rows[column] = rng.permutation(rows[column].fillna(rows[column].mean()))
            if "verdict" in rows:
                rows["verdict"] = rng.choice(["better", "worse", "undecided"], len(rows))
            if "n_seeds" in rows:
                rows["n_seeds"] += draw % 2
            tables[path.stem] = rows.sample(frac=0.9, random_state=draw) if draw % 2 else rows
        self.folder = RESULTS
        self.table = tables.__getitem__


@pytest.fixture(scope="module")
def changed() -> list[Results]:
    return [Changed(draw) for draw in range(30)]


@pytest.mark.parametrize("name", CLAIMS)
def test_every_claim_can_fail(name, changed):
    """Other numbers in the tables, or fewer rows, make it false."""
    found = [evaluate(CLAIMS[name], results) for results in changed]
    assert any(not isinstance(one, Absent) and not one.holds for one in found)


def test_a_run_without_a_table_lacks_the_claims_on_it(tmp_path):
    (tmp_path / "table1.csv").write_bytes((RESULTS / "table1.csv").read_bytes())
    found = report.findings(tmp_path)
    assert found["the_network_recognises"].holds
    assert isinstance(found["new_users"], Absent)
    assert str(found["new_users"]) == "there is no table beyond"


# --- figures by name ------------------------------------------------------------------------------


def test_a_cell_is_of_real_features_under_the_clean_protocol(results):
    rows = pd.read_csv(RESULTS / "table1.csv")
    cell = rows[(rows["row"] == "meta") & (rows["protocol"] == "clean")]
    assert len(cell) == 2
    meta = value_of("table1 / meta", results, CLAIMS)
    assert meta == cell[cell["features"] == "real"]["rmse_mean"].iloc[0]
    permuted = value_of("table1 / meta / rmse_mean / features=permuted", results, CLAIMS)
    assert permuted == cell[cell["features"] == "permuted"]["rmse_mean"].iloc[0]


def test_a_figure_of_a_claim_is_the_claims(results):
    found = evaluate(CLAIMS["known_films"], results)
    assert value_of("known_films.process", results, CLAIMS) == found.figures["process"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.93558, "0.936"),
        (-0.0002, "0.000"),
        (-0.0066, "−0.007"),
        (1220, "1,220"),
        (percent(73.94), "73.9 %"),
    ],
)
def test_figures_in_print(value, text):
    assert written(value) == text


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("meta", "not the name of a figure"),
        ("table1 / meta / rmse_mean / rmse_sd", "not the name of a figure"),
        ("no_such_claim.process", "there is no claim 'no_such_claim'"),
        ("known_films.processes", "It has process, hybrid"),
        ("table2 / meta+text", "4 rows answer to row meta\\+text"),
    ],
)
def test_an_expression_that_is_none_is_told(expression, told, results):
    if expression.startswith("table2"):
        told = "rows answer to row meta\\+text"
    with pytest.raises(StudyError, match=told):
        value_of(expression, results, CLAIMS)


@pytest.mark.parametrize(
    "expression",
    ["table9 / meta", "table1 / mete", "table1 / meta / rmse_mena", "table1 / m / x=1"],
)
def test_what_a_run_does_not_have_is_absent(expression, results):
    with pytest.raises(Absent):
        value_of(expression, results, CLAIMS)


@given(st.text(alphabet="table1/ meta=.rmse_0", max_size=40))
def test_any_expression_gives_a_figure_or_one_of_two_errors(expression):
    with contextlib.suppress(StudyError, Absent):
        assert written(value_of(expression, Results(RESULTS), CLAIMS))


# --- prose ----------------------------------------------------------------------------------------

PAGE = """\
# A title with 0.123

It reaches 0.936, or 73.9 % of it, in `code 0.5 and 0.75` and $x = 0.25$ and [a link](p_0.99.html).
[It reaches {value}`known_films.process` and [not [0.889]{.given}](x.html).]{.claim .known_films}
<!-- claim: new_users -->It is at 1.017.<!-- /claim --> Python 3.11 took 12 epochs, version 1.2.3.

```python
x = 0.987
```
"""


def test_sentences_with_a_claim_are_found():
    spans = prose.marked(PAGE)
    assert [span.claim for span in spans] == ["known_films", "new_users"]
    assert spans[0].sentence.startswith("It reaches {value}")
    assert spans[1].sentence == "It is at 1.017."
    assert prose.expressions(PAGE) == ["known_films.process"]


def test_figures_without_a_claim_are_found():
    assert prose.uncovered(PAGE) == ["0.936", "73.9"]


@pytest.mark.parametrize("kind", ["given", "measured"])
def test_figures_that_follow_from_no_table_are_marked(kind):
    page = f"[0.1 %]{{.{kind}}}, 0.22 <!-- {kind} -->0.33, 0.44<!-- /{kind} --> [0.55]{{.x}}"
    assert prose.uncovered(page) == ["0.22", "0.55"]
    assert prose.measured(page) == (["0.1 %"] if kind == "measured" else [])


@given(st.text(alphabet="[]{}.claim `$<!->0.95\n", max_size=60))
def test_any_text_can_be_read(text):
    assert prose.uncovered(text) is not None
    assert prose.marked(text) is not None


@given(st.integers(0, 9999), st.sampled_from(["{} there", "so: {}.", "({})", "*{}*", "by {},"]))
def test_a_figure_is_found_wherever_it_stands_and_covered_by_a_span(number, frame):
    figure = f"{number / 1000:.3f}"
    assert prose.uncovered(frame.format(figure)) == [figure]
    assert prose.uncovered(f"[{frame.format(figure)}]{{.claim .x}}") == []


def test_a_written_figure_must_be_one_of_the_claims():
    known = {"process": 0.88607, "share": percent(73.94), "gain": -0.0066}
    assert prose.unlike("at 0.886, 0.89, 73.9 % and −0.007, a loss of 0.007", known) == []
    assert prose.unlike("at 0.887 and 73.8 %", known) == ["0.887", "73.8"]


def test_a_notebooks_text_cells_are_read(tmp_path):
    cells = [
        {"cell_type": "markdown", "source": ["It is ", "0.936."]},
        {"cell_type": "code", "source": "0.987"},
    ]
    (tmp_path / "a.ipynb").write_text(json.dumps({"cells": cells}))
    assert prose.uncovered(prose.text_of(tmp_path / "a.ipynb")) == ["0.936"]


# --- the pages of the book ------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_no_page_has_a_figure_that_nothing_covers(page):
    assert prose.uncovered(prose.text_of(PAGES[page])) == []


def test_what_is_measured_is_measured_by_a_test():
    """Pages with such figures, which the tests named beside them compute again."""
    found = {page: len(prose.measured(prose.text_of(path))) for page, path in PAGES.items()}
    assert {page: number for page, number in found.items() if number} == {
        "open_data": 7,  # test_open_data.py
        "protocols_and_leakage": 2,  # test_claims.py
        "speed": 1,  # test_training_benchmark.py
        "notebooks/04_audio_embedding": 1,  # test_claims.py
        "notebooks/06_siamese_training": 2,  # test_siamese_network.py
    }


def test_every_claim_is_stated_or_quoted_somewhere():
    texts = [prose.text_of(path) for path in book.written_pages(Run.open("reference")).values()]
    named = {span.claim for text in texts for span in prose.marked(text)}
    quoted = {name.partition(".")[0] for text in texts for name in prose.expressions(text)}
    assert set(CLAIMS) - named - quoted == set()


def test_the_opening_page_rests_on_claims():
    text = prose.text_of(PROJECT / "book" / "intro.md")
    assert len({span.claim for span in prose.marked(text)}) >= 10


def test_the_readme_quotes_the_figures_of_its_claims(results):
    """Its sentences are marked in comments, and no build of the book reads them."""
    spans = prose.marked(prose.text_of(PROJECT / "README.md"))
    assert spans
    for span in spans:
        figures = CLAIMS[span.claim](results).figures
        assert prose.unlike(span.sentence, figures) == [], span


def test_names_in_pages_are_those_of_claims(results):
    for page, path in book.written_pages(Run.open("reference")).items():
        text = prose.text_of(path)
        assert {span.claim for span in prose.marked(text)} <= set(CLAIMS), page
        for expression in prose.expressions(text):
            assert written(value_of(expression, results, CLAIMS)), page


def test_the_page_on_leakage_names_modules_and_tests_that_exist():
    text = (PROJECT / "book" / "protocols_and_leakage.md").read_text(encoding="utf-8")
    cited = re.findall(r"`(tests/\w+\.py)::(\w+)`", text)
    assert len(cited) == 11
    for file, test in cited:
        assert f"def {test}(" in (PROJECT / file).read_text(encoding="utf-8"), test
    for module in re.findall(r"`(mmrec/[\w/]+\.py)`", text):
        assert (PROJECT / module).exists(), module


# --- the book that is built -----------------------------------------------------------------------


def built(folder: Path, page: str, *, strict: bool, tables: dict[str, pd.DataFrame]) -> list[str]:
    """Page and warnings of a book of one page."""
    source = folder / "source"
    (source / "results").mkdir(parents=True)
    (source / "index.md").write_text(f"# Page\n\n{page}\n", encoding="utf-8")
    for name, rows in tables.items():
        rows.to_csv(source / "results" / f"{name}.csv", index=False)
    warnings = io.StringIO()
    Sphinx(
        source,
        None,
        folder / "out",
        folder / "doctrees",
        "html",
        confoverrides={
            "extensions": ["myst_parser", "mmrec.study.claims.markup"],
            "myst_enable_extensions": ["attrs_inline"],
            "claims_strict": strict,
        },
        status=None,
        warning=warnings,
    ).build()
    html = (folder / "out" / "index.html").read_text(encoding="utf-8")
    text = re.sub(r"<[^>]+>", "", html[html.index("<h1>") : html.index("</section>")])
    lines = re.sub(r"\x1b\[[\d;]*m", "", warnings.getvalue()).splitlines()
    told = "\n".join(line for line in lines if "index.md" in line)  # Sphinx has its own to tell
    return [" ".join(text.split()), html, told]


def audio(rmse: float) -> dict[str, pd.DataFrame]:
    rows = pd.DataFrame(
        {
            "row": ["audio", "video", "user+movie bias"],
            "features": "real",
            "protocol": "clean",
            "rmse_mean": [rmse, 0.9788, 0.9555],
        }
    )
    labels = ["text", "audio", "video", "meta", "meta+text", "meta+audio", "meta+video", "all"]
    worse = ["worse" if label in ("audio", "video") else "better" for label in labels]
    tested = pd.DataFrame({"row": labels, "verdict": worse})
    tested = tested.assign(features="real", protocol="clean")
    return {"table1": rows, "table1_against_biases": tested}


SENTENCE = (
    "[Audio ({value}`table1 / audio`) is *worse* than 0.96.]"
    "{.claim .audio_and_video_are_worse_than_biases}"
)


@pytest.mark.parametrize("strict", [True, False])
def test_a_claim_that_holds_is_a_sentence_with_its_number(tmp_path, strict):
    text, html, warnings = built(tmp_path, SENTENCE, strict=strict, tables=audio(1.0321))
    assert "Audio (1.032) is worse than 0.96." in text
    assert "claim-fails" not in html
    assert warnings == ""


def test_a_claim_that_does_not_hold_is_a_warning_in_the_reference(tmp_path):
    _, _, warnings = built(tmp_path, SENTENCE, strict=True, tables=audio(0.9))
    assert re.search(
        r"index\.md:3: WARNING: claim audio_and_video_are_worse_than_biases does not hold: "
        r"audio 0\.900, video 0\.979, biases 0\.956",
        warnings,
    )


def test_a_claim_that_does_not_hold_is_marked_in_another_run(tmp_path):
    text, html, warnings = built(tmp_path, SENTENCE, strict=False, tables=audio(0.9))
    assert "[not so in this run: audio 0.900, video 0.979, biases 0.956]" in text
    assert "claim-fails" in html
    assert warnings == ""


@pytest.mark.parametrize("strict", [True, False])
def test_a_claim_without_results_says_so(tmp_path, strict):
    text, _, warnings = built(tmp_path, SENTENCE, strict=strict, tables={})
    assert "Audio ([no result]) is worse" in text
    assert "[not computed in this run: there is no table table1]" in text
    assert ("the reference results lack" in warnings) == strict


def test_another_figure_in_the_sentence_is_a_warning_in_the_reference(tmp_path):
    page = SENTENCE.replace("0.96", "0.97")
    _, _, warnings = built(tmp_path, page, strict=True, tables=audio(1.0321))
    assert "0.97 is none of its figures (audio 1.032" in warnings


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(
    ("page", "told"),
    [
        ("[It is so.]{.claim .unheard_of}", "there is no claim 'unheard_of'"),
        ("[It is so.]{.claim}", "there is no claim ''"),
        ("It is {value}`nothing`.", "not the name of a figure"),
    ],
)
def test_a_mistake_of_the_writer_is_a_warning_in_every_run(tmp_path, page, told, strict):
    assert told in built(tmp_path, page, strict=strict, tables=audio(1))[2]


def test_a_book_is_held_to_the_tables_of_its_own_run_alone(tmp_path):
    """The committed tables lie among the pages, and are those of the reference run."""

    class Readers(Run):
        executed = Run.sources

    run = Readers("quick", Workspace(tmp_path / "run", tmp_path / "cache"))
    run.results.mkdir(parents=True)
    (run.results / "table1.csv").write_bytes((RESULTS / "table1.csv").read_bytes())
    book._stage(run, tmp_path / "staged")
    assert [path.name for path in (tmp_path / "staged" / "results").iterdir()] == ["table1.csv"]
    page = (tmp_path / "staged" / "this_run.md").read_text(encoding="utf-8")
    assert "`content_keeps_its_promise` | not computed: there is no table beyond |" in page
    assert "claims_strict: false" in (tmp_path / "staged" / "_config.yml").read_text()


# --- reports --------------------------------------------------------------------------------------


def test_the_page_of_the_run_lists_what_is_not_so():
    pages = {"intro": "[A.]{.claim .known_films} [B.]{.claim .new_users}", "other": "C."}
    found = {
        "known_films": check(process=0.8, hybrid=0.9),
        "new_users": check(False, process=1.1, movie_mean=1.0),
    }
    section = report.section(found, pages)
    assert "| {doc}`/intro` | `new_users` | process 1.100, movie mean 1.000 |" in section
    assert "known_films" not in section
    assert report.section({"known_films": check(), "new_users": check()}, pages) == ""
    absent = report.section({**found, "known_films": Absent("there is no table beyond")}, pages)
    assert "not computed: there is no table beyond" in absent


def test_the_listing_counts_claims_and_figures(tmp_path):
    (tmp_path / "page.md").write_text(PAGE, encoding="utf-8")
    listing = report.listing(RESULTS, {"page": tmp_path / "page.md"})
    assert f"{len(CLAIMS)} claims: {len(CLAIMS)} holds, 0 NOT SO, 0 not computed" in listing
    assert "2 that no claim covers: 0.936, 73.9" in listing
    assert listing.endswith("2 figures in prose that no claim covers")
