"""The committed notebooks and the committed summaries come from one run and say the same."""

import json
import re

import pandas as pd
import pytest

from mmrec.experiments import statistics
from mmrec.workspace import PROJECT

RESULTS = PROJECT / "book" / "results"
SHOWN = [
    ("07_modality_ablation", "table1", lambda table: table[table["features"] == "real"]),
    ("08_rating_masking", "table2", lambda table: table),
    ("09_rating_vectors", "rating_vectors", lambda table: table),
]


def cells_of(html: str) -> list[list[str]]:
    """The body rows of an HTML table, as text."""
    rows = re.findall(r"<tr>(.*?)</tr>", html.split("<tbody>")[1], re.S)
    return [re.findall(r"<t[hd]>(.*?)</t[hd]>", row, re.S) for row in rows]


@pytest.mark.parametrize(("notebook", "name", "chosen"), SHOWN)
def test_notebooks_and_summaries_say_the_same(notebook, name, chosen):
    content = json.loads((PROJECT / "notebooks" / f"{notebook}.ipynb").read_text(encoding="utf-8"))
    (cell,) = [cell for cell in content["cells"] if cell["id"] == "table"]
    html = "".join(cell["outputs"][0]["data"]["text/html"])
    table = pd.read_csv(RESULTS / f"{name}.csv").astype({"sources": str})
    told = statistics.show(chosen(table))
    assert cells_of(html) == [[row, *cells] for row, *cells in told.itertuples(name=None)]


def test_summaries_have_every_published_row():
    table = pd.read_csv(RESULTS / "table1.csv")
    assert table.loc[table["paper_rmse"].notna(), "row"].nunique() == 8
    table = pd.read_csv(RESULTS / "table2.csv")
    published = table[table["paper_rmse"].notna() & (table["masking"] > 0)]
    assert len(published[["row", "masking"]].drop_duplicates()) == 8


def test_the_readme_says_what_the_summaries_say():
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    told = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in readme.split("## What came out")[1].split("##")[0].splitlines()
        if line.startswith("| ") and line[2] != "|"
    ]
    table = pd.read_csv(RESULTS / "table1.csv").set_index(["features", "row"])
    vectors = pd.read_csv(RESULTS / "rating_vectors.csv").set_index(["row", "masking"])
    means = table["rmse_mean"].map("{:.3f}".format)
    rows = [
        [row, means["real", row], f"{table['paper_rmse']['real', row]:.3f}", control]
        for row, control in means["permuted"].items()
    ]
    unmasked = vectors["rmse_mean"]["rating vectors", 0.0]
    bias = means["real", "user+movie bias"]
    assert told == [
        *rows,
        ["rating vectors", f"{unmasked:.3f}", "0.918", ""],
        ["the mean + a user's and a movie's bias", bias, "", ""],
    ]
