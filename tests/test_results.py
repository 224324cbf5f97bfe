"""Tables of a run, read as verdicts."""

import pandas as pd
import pytest

from mmrec.errors import StudyError
from mmrec.experiments import beyond
from mmrec.reports import headline
from mmrec.reports.results import NAMED_AFTER, Absent, Results
from mmrec.study.claims import new_film_details, new_films
from mmrec.workspace import PROJECT

REFERENCE = PROJECT / "book" / "results"


@pytest.fixture
def results(tmp_path):
    rows = [("meta", 0.5, "undecided"), ("all", 0.5, "worse"), ("meta", 0.8, "better")]
    table = pd.DataFrame(rows, columns=["row", "masking", "verdict"])
    table.assign(features="real", protocol="clean").to_csv(tmp_path / "compared.csv", index=False)
    table.drop(columns="verdict").to_csv(tmp_path / "plain.csv", index=False)
    return Results(tmp_path)


def test_verdicts_are_those_of_the_rows_that_answer(results):
    assert results.verdicts("compared", masking=0.5) == {"meta": "undecided", "all": "worse"}


def test_verdicts_of_rows_with_one_label_are_refused(results):
    with pytest.raises(StudyError, match="several rows are called 'meta'"):
        results.verdicts("compared")


@pytest.mark.parametrize("table", ["plain", "missing"])
def test_a_run_without_verdicts_says_so(results, table):
    with pytest.raises(Absent):
        results.verdicts(table)


def test_tracks_named_after_a_feature_table_read_it():
    for track, needed in NAMED_AFTER.items():
        assert needed in {**beyond.NEW_FILMS, **beyond.LISTS}[track]


def test_without_ratings_of_imdb_nothing_is_said_of_the_crowd(tmp_path):
    for path in REFERENCE.glob("beyond*.csv"):
        table = pd.read_csv(path)
        if "sources" in table:
            table["sources"] = table["sources"].str.replace('"imdb"', '"another"')
        table.to_csv(tmp_path / path.name, index=False)
    there, lacking = Results(REFERENCE), Results(tmp_path)
    for claim, why in (
        (new_films.crowd_predicts_new_films, "without the features it is named after"),
        (new_film_details.the_order_in_every_fold, "has no track new_films_crowd"),
    ):
        assert claim(there).holds
        with pytest.raises(Absent, match=why):
            claim(lacking)
    with_them = headline.NEW[-1]
    assert "IMDb" in with_them.label
    assert with_them.value(there) is not None
    assert with_them.value(lacking) is None
    assert new_films.content_predicts_new_films(lacking).holds
