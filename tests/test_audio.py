"""Audio vectors: log-mel statistics, VGGish's code path, and the published file's cleaning."""

import os
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from torchvggish import torchvggish

from mmrec.catalogue.tables import Catalogue
from mmrec.errors import StudyError
from mmrec.features import cache as file_cache
from mmrec.features import published, registry
from mmrec.features.media import audio, decoding, demo_trailers, sound, trailers
from mmrec.workspace import Workspace

MOVIES = pd.DataFrame(
    {
        "movie_id": [1, 2, 3],
        "title": ["One", "Two", "Three"],
        "year": [1995, 1996, 1997],
        "genres": [["Drama"], ["Action"], ["Horror"]],
        "poster": [None] * 3,
    }
)
RATINGS = pd.DataFrame({"movie_id": [3, 3, 3, 2, 2, 2, 1], "rating": 4})


def catalogue_of(movies, ratings):
    empty = pd.DataFrame()
    return Catalogue(movies, ratings, users=empty, rejected=empty, sources={})


CATALOGUE = catalogue_of(MOVIES, RATINGS)
DEMO = {"demo_movies": 2, "demo_seconds": 1.5}


def out_of_reach():
    raise StudyError("the weights are not available (no network)", where="there", remedy="Connect.")


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    parallel = file_cache.joblib.Parallel
    monkeypatch.setattr(
        file_cache.joblib, "Parallel", lambda n_jobs, **options: parallel(n_jobs=1, **options)
    )


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    return demo_trailers.render(MOVIES, folder, seconds=1.5, n_jobs=1)


@pytest.fixture(scope="module")
def authors_file(tmp_path_factory):
    """A file with the published one's shape and damage: 194 NaN, 341 overflow, 49 zero rows."""
    values = np.random.default_rng(0).normal(size=(1_682, 128)).round(3)
    values[:194] = np.nan
    values[194:535, ::2] = 1e35
    values[500:535, 1] = np.nan  # some overflown rows hold NaN as well
    values[535:584] = 0
    path = tmp_path_factory.mktemp("published") / "audio_embeddings.csv"
    np.savetxt(path, values, delimiter=",", fmt="%g")
    return path


def tone(hertz, seconds, rate=16_000):
    return np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate).astype(np.float32)


@pytest.mark.parametrize(
    ("seconds", "windows"), [(0.1, 1), (0.975, 1), (1.9, 1), (1.94, 2), (5.0, 5)]
)
def test_windows_of_096_seconds(seconds, windows):
    assert sound.patches(tone(440, seconds)).shape == (windows, 96, 64)


def test_log_mel_statistics_know_the_pitch():
    low, high = (sound.encode(tone(hertz, 2), audio.ENCODERS["log-mel"]) for hertz in (200, 4000))
    assert low.shape == (128,)
    assert low.dtype == np.float32
    assert low[:64].argmax() < 10 < 40 < high[:64].argmax()
    windows = sound.patches(tone(200, 2))
    np.testing.assert_allclose(low[:64], windows.mean((0, 1)), rtol=1e-4)
    np.testing.assert_allclose(low[64:], windows.std((0, 1)), rtol=1e-3, atol=1e-4)


def test_vggish_is_the_mean_over_its_windows(tmp_path, monkeypatch):
    torch.manual_seed(0)
    network = torchvggish._vgg(postprocess=False).eval()
    path = tmp_path / "vggish.pth"
    torch.save(network.state_dict(), path)
    vggish = replace(audio.ENCODERS["vggish"], weights=lambda: path)
    samples = tone(300, 2.5) + np.random.default_rng(0).normal(0, 0.1, 40_000).astype(np.float32)
    vector = sound.encode(samples, vggish)
    with torch.inference_mode():
        expected = network(torch.from_numpy(sound.patches(samples))[:, None]).mean(0).numpy()
    assert vector.shape == (128,)
    np.testing.assert_allclose(vector, expected, rtol=1e-4, atol=1e-6)


def test_the_first_encoder_to_be_had_is_chosen_and_said(monkeypatch, caplog):
    vggish = replace(audio.ENCODERS["vggish"], weights=out_of_reach)
    choose = partial(registry.choose, audio.ENCODERS)
    monkeypatch.setitem(audio.ENCODERS, "vggish", vggish)
    assert choose(["vggish", "log-mel"]).name == "log-mel"
    assert len(caplog.records) == 1
    assert "no network" in caplog.text
    with pytest.raises(StudyError, match="no network"):
        choose(["vggish"])
    with pytest.raises(StudyError, match="Known: vggish, log-mel"):
        choose(["log-mel", "wav2vec"])


def test_trailers_are_embedded_once(clips, tmp_path, monkeypatch):
    embed = partial(audio.embed_trailers, clips, encoder="log-mel", cache=tmp_path)
    table, left_out = embed()
    assert table.modality == "audio"
    assert table.vectors.shape == (3, 128)
    assert left_out.empty
    assert table.stand_in == "log-mel statistics for VGGish"
    assert not np.allclose(*table.matrix([1, 3])[0])
    monkeypatch.setattr(decoding, "waveform", out_of_reach)
    assert embed()[0].digest == table.digest


def test_a_silent_or_damaged_trailer_costs_its_own_movie_only(clips, tmp_path, monkeypatch):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(clips[1].read_bytes()[:3000])
    waveform = decoding.waveform
    monkeypatch.setattr(
        decoding,
        "waveform",
        lambda path: np.zeros(16_000, np.float32) if path == clips[3] else waveform(path),
    )
    table, left_out = audio.embed_trailers({**clips, 1: broken}, encoder="log-mel", cache=tmp_path)
    assert table.movie_ids.tolist() == [2]
    assert left_out["movie_id"].tolist() == [1, 3]
    assert "silent" in left_out["reason"][1]


def test_published_rows_without_content_are_left_out(authors_file):
    table, left_out = published.read(authors_file)
    assert table.vectors.shape == (1_098, 128)
    assert table.movie_ids[[0, -1]].tolist() == [585, 1_682]  # row i is movie i
    assert table.provenance["encoder"] == "vggish-published"
    assert table.stand_in is None
    assert left_out["reason"].value_counts().to_dict() == {
        "overflow": 341,
        "no number (NaN)": 194,
        "all zero": 49,
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows[:-1], "1681 × 128 values, not 1682 × 128"),
        (lambda rows: [*rows[:9], rows[9] + ",1", *rows[10:]], "not a CSV .*line 10"),
        (lambda rows: ["\xff"], "not a CSV"),
    ],
)
def test_a_published_file_of_another_shape_is_refused(authors_file, tmp_path, change, message):
    path = tmp_path / "other.csv"
    rows = change(authors_file.read_text().splitlines())
    path.write_text("\n".join(rows) + "\n", encoding="latin-1")
    with pytest.raises(StudyError, match=rf"other\.csv.*{message}"):
        published.read(path)


def test_build_goes_down_the_list_of_sources(tmp_path, authors_file, monkeypatch, caplog):
    monkeypatch.delenv(trailers.VARIABLE, raising=False)
    workspace = Workspace(tmp_path / "run", tmp_path / "cache")
    build = partial(
        audio.build,
        workspace=workspace,
        sources=["trailers", "published", "demo"],
        encoders=["log-mel"],
        **DEMO,
    )

    def nowhere(resource, cache):
        raise StudyError("no place serves it", where="audio", remedy="Set MMREC_MIRROR.")

    monkeypatch.setattr(published.sources, "fetch", nowhere)
    table, _ = build(CATALOGUE)
    assert table.movie_ids.tolist() == [2, 3]
    assert table.stand_in == "demo trailers for trailers; log-mel statistics for VGGish"
    assert "no place serves it" in caplog.text

    served = SimpleNamespace(place="there", path=authors_file)
    monkeypatch.setattr(published.sources, "fetch", lambda resource, cache: served)
    movies = pd.DataFrame({"movie_id": [1, 600, 700], "genres": [["Drama"]] * 3})
    ratings = pd.DataFrame({"movie_id": [1, 1, 600], "rating": 4})
    catalogue = catalogue_of(movies, ratings)
    table, left_out = build(catalogue)
    assert table.movie_ids.tolist() == [600, 700]
    assert left_out["movie_id"].tolist() == [1]
    table, _ = build(catalogue, n_movies=2)
    assert table.movie_ids.tolist() == [600]
    assert table.provenance["source"] == "published audio vectors of 1 movies"


def test_unknown_source(tmp_path):
    with pytest.raises(StudyError, match=r"audio source.*'radio'"):
        audio.build(
            CATALOGUE,
            Workspace(tmp_path, tmp_path),
            sources=["radio"],
            encoders=["log-mel"],
            **DEMO,
        )


@pytest.mark.skipif(not os.environ.get("MMREC_MIRROR"), reason="needs MMREC_MIRROR")
def test_the_real_published_file():
    folder = Path(os.environ["MMREC_MIRROR"]) / "enhanced-ml-100k"
    table, left_out = published.read(folder / "audio_embeddings.csv")
    assert len(table.movie_ids) == 1_098
    assert len(left_out) == 584
    assert np.abs(table.vectors).max() < 7
