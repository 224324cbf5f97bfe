"""The Croissant metadata of the open data: as the files are, and read by its own library."""

import csv
import hashlib
import json
import os
import subprocess
import sys
from importlib import util

import pytest

from mmrec import open_data
from mmrec.catalogue.providers import open_data as reader
from mmrec.open_data import croissant

FOLDER = croissant.TARGET.parent
LISTS = ("directors", "cast", "themes")
VARIABLE = "MMREC_TEST_MLCROISSANT"
# Validates the metadata and prints its complaints and all records.
READ = """
import json, logging, sys
logging.basicConfig(level=logging.ERROR)
import mlcroissant
data = mlcroissant.Dataset(jsonld=sys.argv[1])
plain = lambda cell: cell.decode() if isinstance(cell, bytes) else (
    [plain(one) for one in cell] if isinstance(cell, list) else cell)
records = {
    one.id: [{key.split("/")[-1]: plain(cell) for key, cell in row.items()}
             for row in data.records(one.id)]
    for one in data.metadata.record_sets
}
issues = [*data.metadata.ctx.issues.errors, *data.metadata.ctx.issues.warnings]
print(json.dumps({"issues": [str(issue) for issue in issues], "records": records}))
"""


def rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def read():
    """What mlcroissant makes of the metadata."""
    python = os.environ.get(VARIABLE) or sys.executable
    if python == sys.executable and util.find_spec("mlcroissant") is None:
        pytest.skip(f"no mlcroissant here: set {VARIABLE} to a python that has it")
    command = [python, "-c", READ, str(croissant.TARGET)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def test_the_committed_metadata_are_those_of_the_files():
    """If not, run ``python -m mmrec.open_data.croissant``."""
    assert croissant.TARGET.read_text(encoding="utf-8") == croissant.text()


def test_every_file_is_described_with_all_its_columns():
    assert {path.name for path in FOLDER.glob("*.csv")} == set(croissant.FILES)
    described = json.loads(croissant.TARGET.read_text(encoding="utf-8"))
    for file, records in zip(described["distribution"], described["recordSet"], strict=True):
        content = (FOLDER / file["contentUrl"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == file["sha256"]
        columns = [field["source"]["extract"]["column"] for field in records["field"]]
        assert columns == list(rows(file["name"])[0])
    assert described["version"] == f"{open_data.VERSION}.0"
    assert described["datePublished"] == open_data.DATE
    assert described["license"] in (FOLDER / "LICENSE").read_text(encoding="utf-8").replace(
        "legalcode", ""
    )


def test_mlcroissant_has_nothing_to_complain_of(read):
    assert read["issues"] == []


def test_mlcroissant_loads_every_movie_as_the_study_does(read):
    ours = reader.read(open_data.PATH)
    found = read["records"]["movies"]
    assert [row["movie_id"] for row in found] == ours.index.tolist()
    for name in (*LISTS, "title", "country", "period", "place"):
        assert [row[name] for row in found] == ours[name].tolist()
    assert [row["synopsis"] for row in found] == ours["summary"].tolist()
    assert [row["adapted"] for row in found] == (ours["adapted"] == "true").tolist()


@pytest.mark.parametrize("name", ["annotated_sentences", "annotated_synopses"])
def test_mlcroissant_loads_the_annotations(read, name):
    found = [{key: cell or "" for key, cell in row.items()} for row in read["records"][name]]
    assert found == rows(f"{name}.csv")
