"""The committed notebooks and the committed summaries come from one run and say the same."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from mmrec.reports import tables
from mmrec.workspace import PROJECT

RESULTS = PROJECT / "book" / "results"
SHOWN = [
    ("07_modality_ablation", "table1", lambda table: table[table["features"] == "real"]),
    ("08_rating_masking", "table2", lambda table: table[table["features"] == "real"]),
    ("09_rating_vectors", "rating_vectors", lambda table: table),
]


def cells_of(html: str) -> list[list[str]]:
    """The body rows of an HTML table, as text."""
    rows = re.findall(r"<tr>(.*?)</tr>", html.split("<tbody>")[1], re.S)
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S) for row in rows]


@pytest.mark.parametrize(("notebook", "name", "chosen"), SHOWN)
def test_notebooks_and_summaries_say_the_same(notebook, name, chosen):
    content = json.loads((PROJECT / "notebooks" / f"{notebook}.ipynb").read_text(encoding="utf-8"))
    (cell,) = [cell for cell in content["cells"] if cell["id"] == "table"]
    html = "".join(cell["outputs"][0]["data"]["text/html"])
    table = pd.read_csv(RESULTS / f"{name}.csv").astype({"sources": str})
    told = tables.show(chosen(table)).cells
    assert cells_of(html) == [[row, *cells] for row, *cells in told.itertuples(name=None)]


def test_summaries_have_every_published_row():
    table = pd.read_csv(RESULTS / "table1.csv")
    assert table.loc[table["paper_rmse"].notna(), "row"].nunique() == 8
    table = pd.read_csv(RESULTS / "table2.csv")
    published = table[table["paper_rmse"].notna() & (table["masking"] > 0)]
    assert len(published[["row", "masking"]].drop_duplicates()) == 8


def readme_rows(results: Path) -> list[list[str]]:
    """The rows of the README's table, made of the summaries."""
    table = pd.read_csv(results / "table1.csv")
    vectors = pd.read_csv(results / "rating_vectors.csv").query("masking == 0")
    baselines = [
        "user+movie bias",
        "matrix factorisation",
        "FM: ids",
        "FM: ids and users",
        "FM: content",
        "FM: hybrid",
    ]
    rows = []
    for source, names in (
        (table, table.loc[table["paper_rmse"].notna(), "row"].unique()),
        (vectors, ["rating vectors", "rating vectors, refitted"]),
        (table, baselines),
    ):
        for name in names:
            found = source[source["row"] == name].set_index(["protocol", "features"])
            clean = found.loc[("clean", "real")]
            cells = [name, f"{clean['rmse_mean']:.3f}", "", "", ""]
            if ("clean", "permuted") in found.index:
                cells[2] = f"{found.loc[('clean', 'permuted'), 'rmse_mean']:.3f}"
            if ("as_published", "real") in found.index:
                published = found.loc[("as_published", "real")]
                cells[3] = f"{published['rmse_mean']:.3f} ({published['rmse_best']:.3f})"
                cells[4] = f"{published['paper_rmse']:.3f}"
            rows.append(cells)
    return rows


def test_the_readme_says_what_the_summaries_say():
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    told = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in readme.split("## What came out")[1].split("##")[0].splitlines()
        if line.startswith("| ") and line[2] != "|"
    ]
    assert told == readme_rows(RESULTS)
