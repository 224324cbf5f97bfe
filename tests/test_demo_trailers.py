"""Demo trailers: deterministic, genre-dependent, kept once rendered."""

import os

import av
import numpy as np
import pandas as pd
import pytest

from mmrec.catalogue import movielens
from mmrec.features.media import decoding as media
from mmrec.features.media import demo_trailers

MOVIES = pd.DataFrame({"movie_id": [7, 3], "genres": [["Horror"], ["Children's", "Comedy"]]})


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    return demo_trailers.render(MOVIES, tmp_path_factory.mktemp("demo"), seconds=3, n_jobs=1)


def test_every_genre_has_a_style():
    assert list(demo_trailers.STYLES) == list(movielens.GENRES)


def test_a_clip_is_a_labelled_video_with_sound(clips):
    assert list(clips) == [7, 3]
    frames = [frame for _, frame in media.candidate_frames(clips[7], margin=0.1)]
    assert len(frames) == 3
    assert frames[0].shape == (90, 160, 3)
    assert abs(len(media.waveform(clips[7])) / 16_000 - 3) < 0.2
    with av.open(str(clips[7])) as container:
        assert "demo" in container.metadata["title"]


def test_the_ends_hold_a_title_card_that_the_margin_discards(clips):
    first = next(media.candidate_frames(clips[3], margin=0.0, step=0.7))[1]
    middle = next(media.candidate_frames(clips[3], margin=0.1, step=0.7))[1]
    assert np.median(first) < 20 < np.median(middle)


def test_rendering_is_deterministic(clips, tmp_path):
    again = demo_trailers.render(MOVIES, tmp_path, seconds=3, n_jobs=1)
    assert [p.name for p in again.values()] == [p.name for p in clips.values()]
    assert all(again[m].read_bytes() == clips[m].read_bytes() for m in clips)


def test_genres_can_be_told_apart(clips):
    def light(movie_id):
        return np.mean([f.mean() for _, f in media.candidate_frames(clips[movie_id], margin=0.1)])

    def roughness(movie_id):
        samples = media.waveform(clips[movie_id])
        return np.diff(samples).std() / samples.std()

    assert light(3) > light(7) + 40
    assert roughness(7) > roughness(3)


def test_movies_of_one_genre_differ(tmp_path):
    twins = pd.DataFrame({"movie_id": [1, 2], "genres": [["Drama"], ["Drama"]]})
    paths = demo_trailers.render(twins, tmp_path, seconds=1, n_jobs=1)
    assert paths[1].read_bytes() != paths[2].read_bytes()


def test_existing_clips_are_kept_and_others_added(tmp_path):
    first = demo_trailers.render(MOVIES[:1], tmp_path, seconds=1, n_jobs=1)
    os.utime(first[7], (1, 1))
    both = demo_trailers.render(MOVIES, tmp_path, seconds=1, n_jobs=1)
    assert both[7] == first[7]
    assert both[7].stat().st_mtime == 1
    assert both[3].exists()
    longer = demo_trailers.render(MOVIES[:1], tmp_path, seconds=2, n_jobs=1)
    assert longer[7] != first[7]


@pytest.mark.parametrize("kept", [0, 5, 100, -1])
def test_an_emptied_or_shortened_clip_is_rendered_again(clips, tmp_path, kept):
    path = demo_trailers.render(MOVIES[:1], tmp_path, seconds=3, n_jobs=1)[7]
    path.write_bytes(path.read_bytes()[:kept])
    demo_trailers.render(MOVIES[:1], tmp_path, seconds=3, n_jobs=1)
    assert path.read_bytes() == clips[7].read_bytes()


def test_an_interrupted_rendering_leaves_nothing_half_done(tmp_path, monkeypatch):
    def interrupted(*args):
        yield np.zeros((90, 160, 3), np.uint8)
        raise KeyboardInterrupt

    monkeypatch.setattr(demo_trailers, "_pictures", interrupted)
    with pytest.raises(KeyboardInterrupt):
        demo_trailers.render(MOVIES, tmp_path, seconds=1, n_jobs=1)
    assert list(tmp_path.iterdir()) == []
