"""Encoders by name, and modalities of the reader's own."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from torch import nn

from mmrec.errors import StudyError
from mmrec.features import cache as file_cache
from mmrec.features import registry
from mmrec.features.graph import word_vectors
from mmrec.features.media import decoding, demo_trailers, pictures, video
from mmrec.features.table import FeatureTable


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
