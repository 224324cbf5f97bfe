"""The benchmark measures what it says it does."""

import numpy as np

from benchmarks import extraction as benchmark
from mmrec.features import sentence_encoder
from mmrec.features.media import decoding, video


def test_both_sides_embed_the_same_frames(tmp_path):
    clip = benchmark.render(tmp_path / "clip.mp4", 2)
    frames = benchmark.every_frame_decoded(clip)
    assert frames[0].shape == (360, 640, 3)
    ours = [frame for _, frame in decoding.candidate_frames(clip, margin=benchmark.MARGIN)]
    np.testing.assert_array_equal(frames, ours)
    encoder = video.ENCODERS["efficientnet-lite0"]
    plain = benchmark.one_by_one(clip, encoder)
    vector = video.embed_trailer(clip, encoder=encoder, margin=benchmark.MARGIN)
    assert np.corrcoef(plain, vector)[0, 1] > 0.98
    alone = np.concatenate(benchmark.bare_network(frames, encoder)())
    np.testing.assert_array_equal(alone.mean(axis=0), vector)


def test_each_way_is_measured_in_turn_after_a_round_to_warm_up():
    calls = []
    ways = {name: lambda name=name: calls.append(name) for name in "ab"}
    taken = benchmark.seconds_of(ways, rounds=2)
    assert calls == list("ababab")
    assert all(len(times) == 2 and min(times) >= 0 for times in taken.values())


def test_ratios_say_who_is_faster():
    taken = {"plain": (6.0, 6.0), "this project": (2.0, 2.5), "network alone": (1.0, 1.0)}
    said = benchmark.report("video", taken)
    assert "3.00 times as fast as plain" in said
    assert "2.00 times the time of the network alone" in said


def test_sentences_are_encoded_anew_each_round(tmp_path, monkeypatch):
    encoded = []
    monkeypatch.setattr(benchmark, "SENTENCES", 3)
    monkeypatch.setattr(
        sentence_encoder, "encode", lambda part, folder: encoded.append(part) or np.zeros((3, 384))
    )
    taken = benchmark.text_seconds(1, tmp_path)
    assert set(taken) == {"one sentence at a time", "this project"}
    assert [len(part) for part in encoded] == [3, 3]
