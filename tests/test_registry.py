"""Encoders by name, and modalities of the reader's own."""

import os
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from torch import nn

from mmrec.errors import StudyError
from mmrec.features import cache as file_cache
from mmrec.features import registry
from mmrec.features.graph import word_vectors
from mmrec.features.media import audio, decoding, demo_trailers, pictures, sound, video
from mmrec.features.table import FeatureTable
from mmrec.provenance import ROOT, closure


@pytest.fixture(scope="module")
def trailers(tmp_path_factory):
    movies = pd.DataFrame({"movie_id": [7, 8], "genres": [["Action"], ["Drama"]]})
    return demo_trailers.render(movies, tmp_path_factory.mktemp("demo"), seconds=2.0, n_jobs=1)


def loudness(trailer: Path) -> float:
    return np.abs(decoding.waveform(trailer)).mean()


def test_a_name_that_is_not_there_brings_those_that_are():
    letters = registry.Registry("letter", {"a": 1, "b": 2})
    letters["c"] = 3
    assert letters["c"] == 3
    with pytest.raises(StudyError, match=r"letter: no such name 'd'. Known: a, b, c"):
        letters["d"]
    tried = []
    with pytest.raises(StudyError, match="Known: a, b, c"):
        letters.first(["a", "d"], tried.append)
    assert tried == []


@pytest.mark.parametrize(
    ("choose", "known"),
    [
        (lambda: video.embed_trailers({}, encoder="x", margin=0, cache=Path()), "resnet50"),
        (lambda: word_vectors.choose(["x"], [], Path()), "corpus"),
    ],
)
def test_every_choice_by_name_says_what_there_is(choose, known):
    with pytest.raises(StudyError, match=f"no such name 'x'. Known: .*{known}"):
        choose()


def test_a_function_and_a_name_make_a_modality(trailers, tmp_path):
    table, left_out = file_cache.embed(
        trailers, loudness, modality="loudness", cache=tmp_path / "cache", source="demo", n_jobs=1
    )
    table.save(tmp_path / "loudness.parquet")
    table = FeatureTable.load(tmp_path / "loudness.parquet")
    assert left_out.empty
    assert (table.modality, table.vectors.shape) == ("loudness", (2, 1))
    np.testing.assert_allclose(table.matrix([8])[0], loudness(trailers[8]))
    assert table.provenance["encoder"] == "loudness"
    assert table.stand_in == "demo trailers for trailers"


def test_a_changed_function_starts_anew(trailers, tmp_path):
    def embed(function):
        options = {"modality": "mine", "cache": tmp_path, "n_jobs": 1}
        return file_cache.embed(trailers, function, **options)[0].vectors[:, 0].tolist()

    calls = []

    def one(trailer):
        calls.append(trailer)
        return 1

    assert embed(one) == embed(one) == [1, 1]
    assert len(calls) == 2

    def one(trailer):
        return 2

    assert embed(one) == [2, 2]


def test_vectors_of_different_lengths_are_refused(trailers, tmp_path):
    with pytest.raises(StudyError, match=r"mine features.*\(7,\), \(8,\)"):
        file_cache.embed(
            trailers,
            lambda path: np.ones(int(path.name[0])),
            modality="mine",
            cache=tmp_path,
            n_jobs=1,
        )


def test_a_network_of_ones_own_runs_in_other_processes(trailers, tmp_path, monkeypatch):
    """One that is in no other process's registry, and pools by itself."""
    own = pictures.Encoder(
        "own", "Own", None, width=3, trunk=lambda _: nn.Sequential(nn.AvgPool2d(224), nn.Flatten())
    )
    monkeypatch.setitem(video.ENCODERS, "own", own)
    table, _ = video.embed_trailers(trailers, encoder="own", margin=0.1, cache=tmp_path, n_jobs=2)
    assert table.vectors.shape == (2, 3)
    assert table.provenance["weights"] == "none"
    frames = [frame for _, frame in decoding.candidate_frames(trailers[8], margin=0.1)]
    np.testing.assert_allclose(table.matrix([8])[0][0], pictures.encode(frames, own).mean(0))


def three(tmp_path):
    files = {}
    for movie_id in (1, 2, 3):
        files[movie_id] = tmp_path / f"{movie_id}.mp4"
        files[movie_id].write_text(f"content {movie_id}")
    return files


def length(path: Path) -> int:
    return len(path.read_text())


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e7])
def test_a_vector_that_is_no_finite_number_costs_its_own_movie_and_is_not_kept(tmp_path, bad):
    def sometimes(path):
        return [1.0, bad if path.name == "2.mp4" else 2.0]

    options = {"modality": "mine", "cache": tmp_path / "cache", "n_jobs": 1}
    table, left_out = file_cache.embed(three(tmp_path), sometimes, **options)
    assert table.movie_ids.tolist() == [1, 3]
    assert left_out["movie_id"].tolist() == [2]
    assert "NaN, or numbers beyond" in left_out["reason"][0]
    assert len(list((tmp_path / "cache").rglob("*.npy"))) == 2


def test_a_pipe_among_the_files_is_not_waited_for(tmp_path):
    files = three(tmp_path)
    os.mkfifo(tmp_path / "pipe.mp4")
    files[9] = tmp_path / "pipe.mp4"
    table, left_out = file_cache.embed(files, length, modality="m", cache=tmp_path, n_jobs=1)
    assert table.movie_ids.tolist() == [1, 2, 3]
    assert left_out["reason"].tolist() == ["cannot be read (it is no regular file)"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-3]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"no array"),
        lambda path: np.save(path, np.array([np.nan], np.float32)),
        lambda path: np.save(path, np.array(["a"])),
        lambda path: np.save(path, np.array([{}]), allow_pickle=True),
    ],
)
def test_a_damaged_cached_vector_is_computed_again(tmp_path, caplog, damage):
    embed = partial(file_cache.embed, three(tmp_path), length, modality="m", cache=tmp_path)
    first, _ = embed(n_jobs=1)
    stored = next((tmp_path / "m").rglob("*.npy"))
    damage(stored)
    again, left_out = embed(n_jobs=1)
    assert again.digest == first.digest
    assert left_out.empty
    assert "is damaged and is made again" in caplog.text


def test_vectors_are_kept_by_the_code_behind_them(trailers, tmp_path, monkeypatch):
    embed = partial(audio.embed_trailers, trailers, encoder="log-mel", cache=tmp_path, n_jobs=1)
    embed()
    monkeypatch.setattr(audio.provenance, "code_digest", lambda *names: "other code")
    embed()
    assert len(list((tmp_path / "audio").rglob("*.npy"))) == 2 * len(trailers)


def test_the_code_behind_vectors_is_little():
    """A change elsewhere must not make anyone decode a thousand trailers again."""
    for names in ((pictures.__name__, decoding.__name__), (sound.__name__, decoding.__name__)):
        rooms = {file.relative_to(ROOT).parts[1] for file in closure(names)}
        assert rooms <= {"__init__.py", "errors.py", "workspace.py", "hardware.py", "features"}
