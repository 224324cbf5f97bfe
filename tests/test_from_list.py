"""Features of a list: what could not be embedded is told, and nothing known is no success."""

from types import SimpleNamespace

import media_files
import pandas as pd
import pytest

from mmrec.commands import enrich
from mmrec.errors import LocalError
from mmrec.features import cache as file_cache
from mmrec.features import from_list
from mmrec.features.graph.word_vectors import WordVectors
from mmrec.features.media import demo_trailers
from mmrec.workspace import Workspace


def movies(**changes) -> pd.DataFrame:
    columns = {
        "movie_id": [1, 2, 3],
        "genres": [["unknown"]] * 3,
        "directors": [[], [], []],
        "imdb_rating": [None] * 3,
        "summary": [None] * 3,
        "summary_source": [None] * 3,
    }
    return pd.DataFrame({**columns, **changes}).astype({"imdb_rating": float})


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Encoders that need no weights of a hundred megabytes, in this process."""
    monkeypatch.setattr(from_list, "VIDEO_ENCODERS", ("efficientnet-lite0",))
    monkeypatch.setattr(from_list, "AUDIO_ENCODERS", ("log-mel",))
    toy = WordVectors("toy", "none", lambda word: None)
    monkeypatch.setattr(from_list.meta, "choose", lambda *_: toy)
    parallel = file_cache.joblib.Parallel
    monkeypatch.setattr(
        file_cache.joblib, "Parallel", lambda n_jobs, **options: parallel(n_jobs=1, **options)
    )


@pytest.fixture
def trailers(tmp_path):
    """A good one, one without sound, one that is cut short."""
    one = pd.DataFrame({"movie_id": [1], "genres": [["Drama"]]})
    good = demo_trailers.render(one, tmp_path, seconds=2.5, n_jobs=1)[1]
    mute = media_files.write(tmp_path / "2.mp4", media_files.greys([0, 1, 2]))
    damaged = tmp_path / "3.mp4"
    damaged.write_bytes(good.read_bytes()[:5_000])
    return {1: good, 2: mute, 3: damaged}


def embedded(frame, files, tmp_path):
    made = from_list.embed(frame, files, word_vectors=["toy"], cache=tmp_path / "cache")
    return {one.modality: one for one in made}


def test_what_could_not_be_embedded_is_told_file_by_file(trailers, tmp_path):
    found = embedded(movies(), trailers, tmp_path)
    assert found["video"].table.movie_ids.tolist() == [1, 2]
    assert found["video"].left_out["movie_id"].tolist() == [3]
    assert found["audio"].table.movie_ids.tolist() == [1]
    reasons = found["audio"].left_out.set_index("movie_id")["reason"]
    assert reasons.index.tolist() == [2, 3]
    assert reasons[2] == "there is no audio in it"


def test_nothing_known_is_no_meta_table(tmp_path):
    found = embedded(movies(), {}, tmp_path)
    assert found["meta"].table is None
    assert "nothing is known of the 3 movies" in found["meta"].problem.what
    assert "has a summary" in found["text"].problem.what
    assert set(found) == {"text", "meta"}


@pytest.mark.parametrize(
    "known", [{"genres": [["unknown"], ["Drama"], ["unknown"]]}, {"imdb_rating": [None, 7.5, None]}]
)
def test_one_known_fact_is_a_meta_table(tmp_path, known):
    assert len(embedded(movies(**known), {}, tmp_path)["meta"].table.movie_ids)


def test_the_command_lists_what_was_left_out(trailers, tmp_path, capsys):
    workspace = Workspace(tmp_path / "out", tmp_path / "cache")
    done = SimpleNamespace(catalogue=SimpleNamespace(movies=movies()), trailers=trailers)
    assert not enrich._embed(done, workspace, ["toy"])  # text and meta have no table
    listed = pd.read_csv(workspace.root / "left_out.csv")
    assert listed[["movie_id", "modality"]].to_numpy().tolist() == [
        [3, "video"],
        [2, "audio"],
        [3, "audio"],
    ]
    said = capsys.readouterr()
    assert "not movie 2: there is no audio in it" in said.err
    assert "1 × 128" in said.out
    assert "2 files could not be used" in said.out


def test_a_full_disk_is_not_a_missing_modality(tmp_path, monkeypatch):
    def full(*_, **__):
        raise LocalError("the disk is full", where="here", remedy="Free some space.")

    monkeypatch.setattr(from_list.text, "embed", full)
    with pytest.raises(LocalError):
        embedded(movies(), {}, tmp_path)
