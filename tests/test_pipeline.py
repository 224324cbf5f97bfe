"""Files to vectors as a whole: what is damaged, what is killed, a cluster, and a real film."""

import os
import signal
import subprocess
import sys
import time
from functools import partial

import joblib
import media_files
import numpy as np
import pandas as pd
import pytest

from mmrec.catalogue import sources
from mmrec.errors import StudyError
from mmrec.features import threads
from mmrec.features.media import audio, demo_trailers, video
from mmrec.features.media import decoding as media
from mmrec.workspace import Workspace

EMBED = {
    "video": partial(video.embed_trailers, encoder="efficientnet-lite0", margin=0.1),
    "audio": partial(audio.embed_trailers, encoder="log-mel"),
}


def demo_movies(n):
    genres = [["Drama"], ["Action"], ["Horror", "Sci-Fi"], ["Comedy"]]
    return pd.DataFrame({"movie_id": range(1, n + 1), "genres": (genres * n)[:n]})


@pytest.fixture(scope="module")
def trailers(tmp_path_factory):
    return demo_trailers.render(
        demo_movies(20), tmp_path_factory.mktemp("demo"), seconds=2.5, n_jobs=1
    )


def saved(table, path):
    table.save(path)
    return path.read_bytes()


def nineteen_damaged(folder):
    """Files with no picture and no sound that could be used, each in its own way."""
    seconds = np.arange(40) / 10
    whole = {
        suffix: media_files.write(
            folder / f"whole.{suffix}", media_files.greys(seconds), sound=4
        ).read_bytes()
        for suffix in ("mp4", "mkv")
    }
    index_first = media_files.write(
        folder / "index-first.mp4",
        media_files.greys(seconds),
        sound=4,
        container_options={"movflags": "faststart"},
    ).read_bytes()
    mp4, mkv = whole["mp4"], whole["mkv"]
    noise = np.random.default_rng(0).bytes(20_000)
    contents = {
        "empty.mp4": b"",
        "one-byte.mp4": b"\0",
        "zeros.mp4": bytes(20_000),
        "noise.mp4": noise,
        "noise.mkv": noise,
        "text.mp4": b"not a video\n" * 500,
        "error-page.mp4": b"<!doctype html><title>429 Too Many Requests</title>" * 20,
        "answer.mp4": b'{"error": {"code": 403, "message": "quota"}}',
        "subtitles.mp4": b"1\n00:00:01,000 --> 00:00:02,000\nHello.\n\n",
        "archive.mp4": b"PK\3\4" + noise,
        "half.mp4": mp4[: len(mp4) // 2],
        "half-index-first.mp4": index_first[: len(index_first) // 2],
        "half.mkv": mkv[: len(mkv) // 2],
        "second-half.mp4": mp4[len(mp4) // 2 :],
        "second-half.mkv": mkv[len(mkv) // 2 :],
        "head.mp4": mp4[:40],
        "head.mkv": mkv[:400],
    }
    files = []
    for name, content in contents.items():
        (folder / name).write_bytes(content)
        files.append(folder / name)
    (folder / "folder.mp4").mkdir()
    return [*files, folder / "folder.mp4", folder / "gone.mp4"]


@pytest.mark.parametrize("modality", EMBED)
def test_twenty_damaged_files_cost_twenty_rows(trailers, tmp_path, modality):
    lacking = {
        "video": media_files.write(tmp_path / "radio.mp4", sound=3),
        "audio": media_files.write(tmp_path / "mute.mp4", media_files.greys([0, 1, 2])),
    }
    bad = [*nineteen_damaged(tmp_path), lacking.pop(modality)]
    (usable,) = lacking.values()
    files = {100 + index: path for index, path in enumerate(bad)}
    # Good ones before, between and after: none of them may be lost.
    files = {1: trailers[1], **dict(list(files.items())[:9]), 2: trailers[2], **files, 3: usable}
    table, left_out = EMBED[modality](files, cache=tmp_path / "cache", n_jobs=1)
    assert table.movie_ids.tolist() == [1, 2, 3]
    assert sorted(left_out["movie_id"]) == list(range(100, 120))
    assert set(left_out["file"]) == {path.name for path in bad}
    assert (left_out["reason"].str.len() > 10).all()
    assert not left_out["reason"].str.contains("\n").any()
    alone, _ = EMBED[modality]({1: trailers[1]}, cache=tmp_path / "other", n_jobs=1)
    np.testing.assert_array_equal(table.matrix([1])[0], alone.vectors)


KILLED = """
import sys
from pathlib import Path
sys.path[:0] = {path!r}
import test_pipeline
trailers = {{int(p.name.split("-")[0]): p for p in map(Path, {files!r})}}
test_pipeline.EMBED["video"](trailers, cache=Path({cache!r}), n_jobs=1)
"""


def test_a_killed_run_resumes_to_the_same_bytes(trailers, tmp_path):
    embed = partial(EMBED["video"], trailers, n_jobs=1)
    whole = saved(embed(cache=tmp_path / "whole")[0], tmp_path / "whole.parquet")

    cache = tmp_path / "killed"
    script = KILLED.format(
        path=[path for path in sys.path if path],
        files=[str(path) for path in trailers.values()],
        cache=str(cache),
    )
    run = subprocess.Popen([sys.executable, "-c", script], start_new_session=True)
    deadline = time.monotonic() + 120
    while len(list(cache.glob("*/[0-9a-f][0-9a-f]/*.npy"))) < 3 and run.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.killpg(run.pid, signal.SIGKILL)
    assert run.wait() == -signal.SIGKILL
    kept = {path: path.stat().st_mtime_ns for path in cache.glob("*/[0-9a-f][0-9a-f]/*.npy")}
    assert 3 <= len(kept) < len(trailers)

    table, left_out = embed(cache=cache)
    assert left_out.empty
    assert saved(table, tmp_path / "resumed.parquet") == whole
    assert {path: path.stat().st_mtime_ns for path in kept} == kept, "finished work was done again"


def test_a_dask_cluster_gives_the_same_vectors(trailers, tmp_path):
    distributed = pytest.importorskip("distributed")
    (tmp_path / "broken.mp4").write_text("no video")
    files = {**dict(list(trailers.items())[:6]), 99: tmp_path / "broken.mp4"}
    here = {m: EMBED[m](files, cache=tmp_path / "here", n_jobs=1) for m in EMBED}
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster),
        joblib.parallel_config("dask"),
    ):
        there = {m: EMBED[m](files, cache=tmp_path / "there") for m in EMBED}
    for modality, (table, left_out) in there.items():
        expected, expected_left_out = here[modality]
        paths = (tmp_path / f"{modality}-{where}.parquet" for where in ("here", "there"))
        a, b = (saved(t, path) for t, path in zip((expected, table), paths, strict=True))
        assert a == b
        pd.testing.assert_frame_equal(left_out, expected_left_out)
        assert left_out["movie_id"].tolist() == [99]


def test_a_real_film(tmp_path):
    try:
        folder = sources.fetch(sources.BIG_BUCK_BUNNY, Workspace.open("test").cache).path
    except StudyError as error:
        pytest.skip(str(error))
    path = folder / "bigbuckbunny.mp4"
    times, frames = zip(*media.candidate_frames(path, margin=0.1), strict=True)
    assert len(times) == 5
    assert {frame.shape for frame in frames} == {(720, 1280, 3)}
    assert abs(len(media.waveform(path)) / media.RATE - 5.3) < 0.1
    for modality, width in (("video", 1280), ("audio", 128)):
        table, left_out = EMBED[modality]({1: path}, cache=tmp_path, n_jobs=1)
        assert table.vectors.shape == (1, width)
        assert table.vectors.std() > 0
        assert left_out.empty


def test_items_made_ahead_keep_their_order_and_errors():
    made = []

    def items():
        for index in range(10):
            made.append(index)
            if index == 7:
                raise StudyError("item 7 is damaged", where="here", remedy="None.")
            yield index

    passed = threads.ahead(items(), depth=3)
    assert next(passed) == 0
    assert [next(passed) for _ in range(6)] == [1, 2, 3, 4, 5, 6]
    with pytest.raises(StudyError, match="item 7"):
        next(passed)
    assert made == list(range(8))
    assert list(threads.ahead([], depth=3)) == []


def test_no_more_than_asked_for_is_made_ahead():
    made = []
    passed = threads.ahead((made.append(i) for i in range(100)), depth=4)
    next(passed)
    passed.close()
    assert len(made) <= 5
