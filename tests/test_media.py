"""Candidate frames, stills and waveforms: known answers, and damaged files told by name."""

from fractions import Fraction

import av
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from mmrec.errors import StudyError
from mmrec.features import demo_trailers, media

RATE = 44_100


def write_video(path, *, seconds=6, rate=10, layout="stereo", sound_seconds=None, tone=440.0):
    """A clip whose brightness says the time: the frame at t seconds has grey level 20 t."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=rate)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        video.options = {"preset": "ultrafast", "qp": "0", "g": "25"}
        audio = container.add_stream("aac", rate=RATE, layout=layout) if layout else None
        for index in range(seconds * rate):
            grey = np.full((48, 64, 3), 20 * index / rate, np.uint8)
            container.mux(video.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        container.mux(video.encode(None))
        if audio:
            t = np.arange(int((sound_seconds or seconds) * RATE)) / RATE
            channels = len(audio.layout.channels)
            wave = np.repeat(0.5 * np.sin(2 * np.pi * tone * t)[None], channels, 0)
            frame = av.AudioFrame.from_ndarray(wave.astype(np.float32), "fltp", layout)
            frame.sample_rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), 0
            container.mux(audio.encode(frame))
            container.mux(audio.encode(None))
    return path


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_video(tmp_path_factory.mktemp("media") / "clip.mkv")


@pytest.mark.parametrize(
    ("duration", "margin", "step", "expected"),
    [
        (10, 0.0, 1, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),  # nothing is on screen at 10 s
        (10, 0.1, 1, [1, 2, 3, 4, 5, 6, 7, 8, 9]),  # the margin itself is kept
        (10, 0.11, 1, [2, 3, 4, 5, 6, 7, 8]),
        (7, 0.1, 1, [1.5, 2.5, 3.5, 4.5, 5.5]),  # the pivot need not be a whole second
        (10, 0.2, 2, [3, 5, 7]),
        (0.4, 0.1, 1, [0.2]),  # the pivot always remains
        (6, 0.49, 1, [3]),
    ],
)
def test_candidate_times_known_answers(duration, margin, step, expected):
    np.testing.assert_allclose(media.candidate_times(duration, margin, step), expected)


@pytest.mark.parametrize("margin", [-0.1, 0.5, 1])
def test_margin_out_of_range(margin):
    with pytest.raises(StudyError, match="margin"):
        media.candidate_times(10, margin)


@pytest.mark.parametrize("duration", [0, -1, float("nan"), float("inf")])
def test_duration_out_of_range(duration):
    with pytest.raises(StudyError, match="duration"):
        media.candidate_times(duration, 0.1)


@pytest.mark.parametrize("margin", [0.0, 0.1, 0.3])
def test_frames_are_those_on_screen_at_their_times(clip, margin):
    times, frames = zip(*media.candidate_frames(clip, margin=margin), strict=True)
    with av.open(str(clip)) as container:
        length = container.duration / av.time_base
    np.testing.assert_allclose(times, media.candidate_times(length, margin), atol=1e-6)
    levels = [frame.mean() for frame in frames]
    # The sound is a little longer than the picture, whose last frame is that of 5.9 s.
    shown = [20 * min(np.floor(time * 10 + 1e-6) / 10, 5.9) for time in times]
    np.testing.assert_allclose(levels, shown, atol=1.5)
    assert frames[0].dtype == np.uint8
    assert frames[0].shape == (48, 64, 3)


def test_frames_do_not_depend_on_the_container(clip, tmp_path):
    other = write_video(tmp_path / "clip.mp4")
    a, b = (
        [frame.mean() for _, frame in media.candidate_frames(p, margin=0.1)] for p in (clip, other)
    )
    np.testing.assert_allclose(a, b, atol=2.5)


def test_decoding_stops_after_the_last_candidate(clip, monkeypatch):
    decoded = []
    original = av.container.InputContainer.decode

    def counting(self, *streams):
        for frame in original(self, *streams):
            decoded.append(frame)
            yield frame

    class Spy:
        def __init__(self, container):
            self._container = container

        def __getattr__(self, name):
            return getattr(self._container, name)

        def decode(self, *streams):
            return counting(self._container, *streams)

        def __enter__(self):
            self._container.__enter__()
            return self

        def __exit__(self, *details):
            return self._container.__exit__(*details)

    opened = av.open
    monkeypatch.setattr(media.av, "open", lambda *a, **k: Spy(opened(*a, **k)))
    times = [time for time, _ in media.candidate_frames(clip, margin=0.49)]
    # One candidate at 3 s; key frames stand every 2.5 s, so decoding starts at 2.5 s.
    assert len(times) == 1
    assert len(decoded) < 15


def test_waveform_length_rate_and_pitch(clip):
    samples = media.waveform(clip)
    assert samples.dtype == np.float32
    assert samples.ndim == 1
    assert abs(len(samples) / 16_000 - 6) < 0.1
    spectrum = np.abs(np.fft.rfft(samples))
    assert abs(np.fft.rfftfreq(len(samples), 1 / 16_000)[spectrum.argmax()] - 440) < 1
    assert 0.3 < np.abs(samples).max() <= 1.0


def test_waveform_of_six_channels(tmp_path):
    path = write_video(tmp_path / "surround.mkv", layout="5.1")
    with av.open(str(path)) as container:
        assert len(container.streams.audio[0].layout.channels) == 6
    samples = media.waveform(path)
    spectrum = np.abs(np.fft.rfft(samples))
    assert samples.ndim == 1
    assert abs(np.fft.rfftfreq(len(samples), 1 / 16_000)[spectrum.argmax()] - 440) < 1


def test_waveform_at_another_rate(clip):
    assert abs(len(media.waveform(clip, rate=8_000)) / 8_000 - 6) < 0.1


def test_no_sound(tmp_path):
    path = write_video(tmp_path / "mute.mp4", layout=None)
    assert len(list(media.candidate_frames(path, margin=0.1))) == 5
    with pytest.raises(StudyError, match=r"mute\.mp4.*no audio"):
        media.waveform(path)


def damaged(clip, folder, kind):
    content = clip.read_bytes()
    path = folder / f"{kind}.mkv"
    if kind == "empty":
        content = b""
    elif kind == "text":
        content = b"not a video\n" * 500
    elif kind == "truncated":
        content = content[: len(content) // 2]
    elif kind == "headless":
        content = content[len(content) // 2 :]
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("kind", ["empty", "text", "truncated", "headless"])
def test_damaged_files_are_named(clip, tmp_path, kind):
    path = damaged(clip, tmp_path, kind)
    with pytest.raises(StudyError, match=path.name):
        list(media.candidate_frames(path, margin=0.1))
    with pytest.raises(StudyError, match=path.name):
        media.waveform(path)


def test_overwritten_bytes_are_noticed(tmp_path):
    movie = pd.DataFrame({"movie_id": [1], "genres": [["Action"]]})
    (path,) = demo_trailers.render(movie, tmp_path, seconds=3, n_jobs=1).values()
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4_000] = np.random.default_rng(0).bytes(4_000)
    path.write_bytes(content)
    with pytest.raises(StudyError, match=path.name):
        list(media.candidate_frames(path, margin=0.0))


def test_missing_file(tmp_path):
    with pytest.raises(StudyError, match="nowhere"):
        media.waveform(tmp_path / "nowhere.mp4")


def test_still(tmp_path):
    path = tmp_path / "still.png"
    Image.new("L", (5, 4), 77).save(path)
    picture = media.still(path)
    assert picture.shape == (4, 5, 3)
    assert picture.dtype == np.uint8
    assert (picture == 77).all()


def test_damaged_still(tmp_path):
    path = tmp_path / "still.jpg"
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:1500])
    with pytest.raises(StudyError, match=r"still\.jpg"):
        media.still(path)
