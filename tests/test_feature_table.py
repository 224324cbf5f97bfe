"""Feature tables: keyed by movie, checked on the way in, the same after a round trip."""

import json
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mmrec.errors import StudyError
from mmrec.features.table import FeatureTable, load_tables

PARTS = {"story": slice(0, 2), "crowd": slice(2, 3)}


def made(ids=(7, 3, 5), **changes) -> FeatureTable:
    """Three movies, out of order; movie 5 lacks the part "crowd"."""
    values = {
        "modality": "meta",
        "movie_ids": ids,
        "vectors": [[70, 71, 72], [30, 31, 32], [50, 51, 0]],
        "provenance": {"encoder": "toy", "stand_in": None},
        "parts": PARTS,
        "part_present": [[True, True], [True, True], [True, False]],
    }
    return FeatureTable(**{**values, **changes})


def test_rows_follow_the_ids_asked_for_not_the_order_of_the_file():
    vectors, present = made().matrix([5, 99, 7])
    np.testing.assert_array_equal(vectors, [[50, 51, 0], [0, 0, 0], [70, 71, 72]])
    np.testing.assert_array_equal(present, [[True, False], [False, False], [True, True]])
    assert vectors.dtype == np.float32


def test_the_order_of_the_rows_given_does_not_matter():
    order = [2, 0, 1]
    table = made()
    shuffled = FeatureTable(
        "meta",
        np.array([7, 3, 5])[order],
        np.array([[70, 71, 72], [30, 31, 32], [50, 51, 0]])[order],
        {},
        PARTS,
        np.array([[True, True], [True, True], [True, False]])[order],
    )
    assert table.movie_ids.tolist() == [3, 5, 7]
    np.testing.assert_array_equal(table.vectors, shuffled.vectors)
    assert table.digest == shuffled.digest


def test_the_digest_tells_any_change():
    vectors = made().vectors.copy()
    vectors[0, 0] += 1
    changed = FeatureTable("meta", [3, 5, 7], vectors, {}, PARTS, made().part_present)
    flags = made(part_present=np.ones((3, 2), bool))
    assert len({made().digest, changed.digest, flags.digest, made(ids=(7, 3, 6)).digest}) == 4


def test_nothing_can_be_written_into_a_table():
    with pytest.raises(ValueError, match="read-only"):
        made().vectors[0, 0] = 1


def test_an_unknown_movie_is_zeros_even_in_an_empty_table():
    table = FeatureTable("text", [], np.zeros((0, 4)), {})
    vectors, present = table.matrix([1, 2])
    assert vectors.shape == (2, 4)
    assert not present.any()


def test_round_trip(tmp_path):
    path = tmp_path / "features" / "meta.parquet"
    made().save(path)
    loaded = FeatureTable.load(path)
    assert loaded.modality == "meta"
    assert loaded.parts == PARTS
    assert loaded.provenance == {"encoder": "toy", "stand_in": None}
    assert loaded.digest == made().digest
    assert [file.name for file in path.parent.iterdir()] == ["meta.parquet"]


def test_load_tables_gives_them_by_name(tmp_path):
    for name in ("text", "audio"):
        FeatureTable(name, [1], [[0.5]], {}).save(tmp_path / f"{name}.parquet")
    assert list(load_tables(tmp_path, ["audio", "text"])) == ["audio", "text"]


@pytest.mark.parametrize(
    ("value", "says"), [(np.nan, "nan"), (np.inf, "inf"), (-np.inf, "-inf"), (1e35, "1e\\+35")]
)
def test_a_damaged_number_in_a_file_names_file_movie_and_column(tmp_path, value, says):
    path = tmp_path / "meta.parquet"
    made().save(path)
    table = pq.read_table(path)
    vectors = made().vectors.copy()
    vectors[1, 2] = value
    damaged = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), 3)
    column = table.schema.get_field_index("vector")
    table = table.set_column(column, "vector", damaged)
    pq.write_table(table, path)
    with pytest.raises(StudyError, match=says) as caught:
        FeatureTable.load(path)
    assert "meta.parquet" in caught.value.where
    assert "movie 5, column 2" in caught.value.what
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content", [b"", b"no parquet", b"PAR1" + b"\0" * 50 + b"PAR1"], ids=["empty", "text", "zeros"]
)
def test_a_file_that_is_none_is_told_in_one_line(tmp_path, content):
    path = tmp_path / "text.parquet"
    path.write_bytes(content)
    with pytest.raises(StudyError, match="not a feature file") as caught:
        FeatureTable.load(path)
    assert "\n" not in str(caught.value)


def test_a_truncated_file_is_told(tmp_path):
    path = tmp_path / "meta.parquet"
    made().save(path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(StudyError, match="not a feature file"):
        FeatureTable.load(path)


def test_a_parquet_file_of_someone_else_is_told(tmp_path):
    path = tmp_path / "meta.parquet"
    pq.write_table(pa.table({"movie_id": [1], "vector": [[1.0]]}), path)
    with pytest.raises(StudyError, match="not a feature file"):
        FeatureTable.load(path)


def test_a_header_that_lost_a_part_is_told(tmp_path):
    path = tmp_path / "meta.parquet"
    made().save(path)
    table = pq.read_table(path)
    header = json.loads(table.schema.metadata[b"mmrec"])
    header["parts"]["story"] = [1, 2]
    pq.write_table(table.replace_schema_metadata({b"mmrec": json.dumps(header)}), path)
    with pytest.raises(StudyError, match="do not cover"):
        FeatureTable.load(path)


def test_a_file_without_the_flags_of_a_part_is_told(tmp_path):
    path = tmp_path / "meta.parquet"
    made().save(path)
    pq.write_table(pq.read_table(path).drop_columns(["has_crowd"]), path)
    with pytest.raises(StudyError, match=r"not a feature file.*has_crowd"):
        FeatureTable.load(path)


def header(**changes) -> dict:
    good = {"modality": "m", "provenance": {}, "parts": {"m": [0, 2]}}
    return {**good, **changes}


def columns(**changes) -> dict:
    vectors = pa.FixedSizeListArray.from_arrays(pa.array([1.0, 2.0, 3.0, 4.0], pa.float32()), 2)
    return {"movie_id": [1, 2], "vector": vectors, "has_m": [True, False], **changes}


@pytest.mark.parametrize(
    ("about", "held"),
    [
        ([], columns()),
        ("header", columns()),
        (header(parts=[["m", 0, 2]]), columns()),
        (header(parts={"m": ["0", "2"]}), columns()),
        (header(parts={"m": [0]}), columns()),
        (header(parts={"m": 2}), columns()),
        (header(parts={}), columns()),
        (header(provenance="none"), columns()),
        (header(modality=7), columns()),
        ({"modality": "m", "parts": {"m": [0, 2]}}, columns()),
        (header(), columns(movie_id=["1", "2"])),
        (header(), columns(movie_id=[1.5, 2.5])),
        (header(), columns(movie_id=[1, None])),
        (header(), columns(vector=[1.0, 2.0])),
        (header(), columns(vector=["ab", "cd"])),
        (header(), columns(vector=[[1.0, 2.0], [3.0]])),
        (header(), columns(vector=pa.array([[1.0, 2.0], None], pa.list_(pa.float32(), 2)))),
        (header(), columns(vector=pa.array([[1.0, 2.0], [3.0, None]], pa.list_(pa.float32(), 2)))),
        (header(), columns(vector=pa.array([["a", "b"], ["c", "d"]], pa.list_(pa.string(), 2)))),
        (header(), columns(has_m=["yes", "no"])),
        (header(), columns(has_m=[True, None])),
    ],
)
def test_a_file_of_another_schema_is_told_in_one_line(tmp_path, about, held):
    path = tmp_path / "meta.parquet"
    table = pa.table(held).replace_schema_metadata({b"mmrec": json.dumps(about)})
    pq.write_table(table, path)
    with pytest.raises(StudyError, match=r"meta\.parquet: not a feature file") as caught:
        FeatureTable.load(path)
    assert "\n" not in str(caught.value)


def test_the_schema_that_the_others_depart_from_is_read(tmp_path):
    path = tmp_path / "meta.parquet"
    pq.write_table(
        pa.table(columns()).replace_schema_metadata({b"mmrec": json.dumps(header())}), path
    )
    assert FeatureTable.load(path).movie_ids.tolist() == [1, 2]


def test_ids_that_are_no_whole_numbers_are_refused():
    with pytest.raises(StudyError, match="movie ids of type float64"):
        made(ids=(7.0, 3.5, 5.0))


# --- whatever the movies, the vectors and the parts ----------------------------------------------


@st.composite
def tables(draw) -> FeatureTable:
    ids = draw(st.lists(st.integers(1, 10**9), unique=True, max_size=8))
    widths = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    names = draw(
        st.lists(st.text(max_size=5), unique=True, min_size=len(widths), max_size=len(widths))
    )
    ends = np.cumsum(widths).tolist()
    numbers = st.floats(-1e6, 1e6, width=32)
    return FeatureTable(
        draw(st.text(min_size=1, max_size=5)),
        np.array(ids, np.int64),
        draw(arrays(np.float32, (len(ids), ends[-1]), elements=numbers)),
        {"encoder": draw(st.text(max_size=9))},
        {n: slice(end - width, end) for n, end, width in zip(names, ends, widths, strict=True)},
        draw(arrays(bool, (len(ids), len(widths)))),
    )


@settings(deadline=None, derandomize=True, max_examples=50)
@given(tables())
def test_any_table_is_the_same_after_a_round_trip(table):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "any.parquet"
        table.save(path)
        loaded = FeatureTable.load(path)
    assert loaded.digest == table.digest
    assert (loaded.modality, loaded.parts) == (table.modality, table.parts)
    assert loaded.provenance == table.provenance


@settings(deadline=None, derandomize=True, max_examples=50)
@given(tables(), st.lists(st.integers(1, 10**9), max_size=8), st.randoms())
def test_any_order_of_ids_gives_each_movie_its_own_row(table, strangers, random):
    wanted = [*table.movie_ids.tolist(), *strangers]
    random.shuffle(wanted)
    vectors, present = table.matrix(wanted)
    for movie_id, vector, flags in zip(wanted, vectors, present, strict=True):
        at = np.flatnonzero(table.movie_ids == movie_id)
        expected = table.vectors[at[0]] if len(at) else np.zeros(table.width)
        np.testing.assert_array_equal(vector, expected)
        assert flags.tolist() == (
            table.part_present[at[0]].tolist() if len(at) else [False] * len(flags)
        )
    np.testing.assert_array_equal(
        table.complete(wanted),
        present[:, table.part_present.any(0)].all(1) & table.part_present.any(),
    )


@settings(deadline=None, derandomize=True, max_examples=50)
@given(tables(), st.data())
def test_cutting_any_parts_out_leaves_the_others_as_they_are(table, data):
    names = list(table.parts)
    cut = data.draw(st.lists(st.sampled_from(names), unique=True, max_size=len(names) - 1))
    rest = table.without(*cut)
    kept = [name for name in names if name not in cut]
    assert list(rest.parts) == kept
    columns = [c for name in kept for c in range(table.parts[name].start, table.parts[name].stop)]
    vectors, present = table.matrix(rest.movie_ids)
    np.testing.assert_array_equal(rest.vectors, vectors[:, columns])
    flags = present[:, [names.index(name) for name in kept]]
    np.testing.assert_array_equal(rest.part_present, flags)
    assert rest.part_present.any(axis=1).all()


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(StudyError, match="no such feature file"):
        FeatureTable.load(tmp_path / "video.parquet")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"movie_ids": (7, 3, 3)}, "movie 3 stands there twice"),
        ({"movie_ids": (7, 3)}, "vectors for 2 movies"),
        ({"parts": {"story": slice(0, 2)}, "part_present": np.ones((3, 1))}, "do not cover"),
        ({"parts": {"a": slice(0, 2), "b": slice(1, 3)}}, "do not cover"),
        ({"part_present": np.ones((3, 1), bool)}, "part flags of shape"),
    ],
)
def test_what_does_not_fit_together_is_refused(changes, says):
    with pytest.raises(StudyError, match=says):
        made(**changes)


def test_cutting_a_part_out_keeps_the_others_and_drops_movies_left_with_nothing():
    only_crowd = made(part_present=[[True, True], [True, True], [False, True]])
    cut = only_crowd.without("crowd")
    assert cut.parts == {"story": slice(0, 2)}
    assert cut.movie_ids.tolist() == [3, 7]
    np.testing.assert_array_equal(cut.vectors, [[30, 31], [70, 71]])
    assert cut.provenance["without"] == ["crowd"]
    assert made().without("story").parts == {"crowd": slice(0, 1)}


def test_an_unknown_part_is_told_with_those_there_are():
    with pytest.raises(StudyError, match=r"no part 'cast'.*story, crowd"):
        made().without("cast")


def test_complete_needs_every_part_that_any_movie_has():
    np.testing.assert_array_equal(made().complete([3, 5, 99]), [True, False, False])
    nobody_has_crowd = made(part_present=[[True, False]] * 3)
    np.testing.assert_array_equal(nobody_has_crowd.complete([3, 5, 99]), [True, True, False])
