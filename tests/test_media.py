"""Candidate frames, stills and waveforms: known answers, and damaged files told by name."""

import os

import av
import media_files
import numpy as np
import pandas as pd
import pytest
from PIL import Image, features

from mmrec.errors import StudyError
from mmrec.features.media import decoding as media
from mmrec.features.media import demo_trailers

SIX_SECONDS = media_files.greys(np.arange(60) / 10)
NOISE = np.random.default_rng(0).normal(0, 0.2, (16, 44_100)).astype(np.float32)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Six seconds with stereo sound; the frame at t seconds has grey level 20 t."""
    path = tmp_path_factory.mktemp("media") / "clip.mkv"
    return media_files.write(path, SIX_SECONDS, sound=6, layout="stereo")


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
    other = media_files.write(tmp_path / "clip.mp4", SIX_SECONDS)
    a, b = (
        [frame.mean() for _, frame in media.candidate_frames(p, margin=0.1)] for p in (clip, other)
    )
    np.testing.assert_allclose(a, b, atol=2.5)


ODD = {
    "10-bit.mp4": {"pix_fmt": "yuv420p10le"},
    "full-colour-odd.mp4": {"pix_fmt": "yuv444p", "size": (161, 91)},
    "odd.mkv": {"codec": "mpeg4", "options": {"qscale": "1"}, "size": (161, 91)},
    "lossless.mkv": {"codec": "ffv1", "options": {}, "size": (161, 91)},
    "photographs.avi": {"codec": "mjpeg", "pix_fmt": "yuvj420p", "options": {}},
    "vp9.webm": {"codec": "libvpx-vp9", "options": {"deadline": "realtime"}},
    "broadcast.ts": {},
}


@pytest.mark.parametrize("name", ODD)
def test_odd_pictures_have_their_colours(tmp_path, name):
    width, height = size = ODD[name].get("size", (96, 64))
    options = {key: value for key, value in ODD[name].items() if key != "size"}
    path = media_files.write(tmp_path / name, [media_files.quadrants(*size)] * 20, **options)
    frames = [frame for _, frame in media.candidate_frames(path, margin=0.0)]
    assert len(frames) == 2
    for frame in frames:
        assert frame.shape == (height, width, 3)
        # Blocks at the colours' borders are smeared; what lies inside them is not.
        inner = np.s_[8 : height // 2 - 8, 8 : width // 2 - 8]
        np.testing.assert_allclose(frame[inner].mean((0, 1)), [255, 0, 0], atol=6)
        np.testing.assert_allclose(frame[::-1, ::-1][inner].mean((0, 1)), [255] * 3, atol=6)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("degrees", [0, 90, 180, -90])
def test_a_turned_video_is_turned_upright(tmp_path, degrees, mirrored):
    upright = media_files.quadrants(96, 64)
    # What a camera records that says: turn it so, then mirror it.
    recorded = np.rot90(upright[:, ::-1] if mirrored else upright, -degrees // 90)
    path = media_files.write(
        tmp_path / "phone.mp4",
        [np.ascontiguousarray(recorded)] * 10,
        degrees=degrees,
        mirrored=mirrored,
    )
    ((_, frame),) = media.candidate_frames(path, margin=0.0)
    assert frame.shape == upright.shape
    np.testing.assert_allclose(frame[4:28, 4:44], upright[4:28, 4:44], atol=4)
    np.testing.assert_allclose(frame[36:60, 52:92], upright[36:60, 52:92], atol=4)


def test_variable_frame_rate(tmp_path):
    moments = [0, 0.1, 0.2, 1.7, 1.8, 2.0, 4.9, 5.0, 5.1, 5.9]
    path = media_files.write(tmp_path / "variable.mp4", media_files.greys(moments))
    times, frames = zip(*media.candidate_frames(path, margin=0.0, step=0.5), strict=True)
    on_screen = [20 * max(m for m in moments if m <= time + 1e-6) for time in times]
    assert len(times) == 12
    np.testing.assert_allclose([frame.mean() for frame in frames], on_screen, atol=1.5)


def test_one_frame(tmp_path):
    path = media_files.write(tmp_path / "one.mp4", media_files.greys([5.0]))
    ((_, frame),) = media.candidate_frames(path, margin=0.1)
    assert frame.shape == (48, 64, 3)


def moving():
    wall = np.random.default_rng(0).integers(0, 256, (48, 264, 3), dtype=np.uint8)
    return [wall[:, left : left + 64] for left in range(200)]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("closed.mp4", {}),
        ("closed.ts", {}),
        ("closed.mkv", {}),
        ("open.mp4", {"x264-params": "open-gop=1:b-pyramid=normal:bframes=5:b-adapt=0"}),
    ],
)
@pytest.mark.parametrize(("margin", "step"), [(0.0, 1.0), (0.12, 1.0), (0.3, 0.3), (0.2, 3.0)])
def test_skipping_what_is_not_needed_changes_no_pixel(tmp_path, name, options, margin, step):
    options = {"g": "30", "keyint_min": "30", "sc_threshold": "0", "bf": "3", **options}
    path = media_files.write(tmp_path / name, moving(), rate=20, options=options)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        start = float((stream.start_time or 0) * stream.time_base)
        shown = [
            (float(f.time) - start, f.to_ndarray(format="rgb24")) for f in container.decode(stream)
        ]
    found = list(media.candidate_frames(path, margin=margin, step=step))
    assert len(found) > 1
    for time, frame in found:
        expected = [picture for begin, picture in shown if begin <= time + 1e-6][-1]
        np.testing.assert_array_equal(frame, expected)


@pytest.mark.parametrize("step", [0.1, 0.3, 1.0])
def test_frames_without_usable_times_are_no_candidates(tmp_path, step):
    path = media_files.write(tmp_path / "old.avi", moving(), rate=20, options={"bf": "3"})
    with pytest.raises(StudyError, match=r"old\.avi.*out of order"):
        list(media.candidate_frames(path, margin=0.1, step=step))


def test_only_what_a_wanted_frame_is_built_on_is_decoded():
    # Groups of four in the file's order; the third group is open: its key frame, 8, is followed
    # by the earlier frame 7, so it is no place to begin at.
    packets = [(0, 1), (3, 0), (1, 0), (2, 0), (4, 1), (6, 0), (5, 0), (8, 1), (7, 0), (9, 0)]
    assert media._needed(packets, [1]) == {0, 3, 1}
    assert media._needed(packets, [4]) == {4}
    assert media._needed(packets, [0, 6]) == {0, 4, 6}
    assert media._needed(packets, [9]) == {4, 6, 5, 8, 7, 9}
    assert media._needed([(0, 0), *packets[1:4]], [3]) == {0, 3}


def test_damage_outside_the_needed_part_costs_nothing(clip, tmp_path):
    before = [frame for _, frame in media.candidate_frames(clip, margin=0.49)]
    with av.open(str(clip)) as container:
        last = [p for p in container.demux(video=0) if p.pts is not None][-1]
        position, size = last.pos, last.size
    content = bytearray(clip.read_bytes())
    content[position + 30 : position + size] = bytes(size - 30)
    path = tmp_path / "clip.mkv"
    path.write_bytes(content)
    after = [frame for _, frame in media.candidate_frames(path, margin=0.49)]
    np.testing.assert_array_equal(before, after)


def test_waveform_length_rate_and_pitch(clip):
    samples = media.waveform(clip)
    assert samples.dtype == np.float32
    assert samples.ndim == 1
    assert abs(len(samples) / 16_000 - 6) < 0.1
    spectrum = np.abs(np.fft.rfft(samples))
    assert abs(np.fft.rfftfreq(len(samples), 1 / 16_000)[spectrum.argmax()] - 440) < 1
    assert 0.3 < np.abs(samples).max() <= 1.0


def test_waveform_of_six_channels(tmp_path):
    path = media_files.write(tmp_path / "surround.mkv", sound=6, layout="5.1")
    with av.open(str(path)) as container:
        assert len(container.streams.audio[0].layout.channels) == 6
    samples = media.waveform(path)
    spectrum = np.abs(np.fft.rfft(samples))
    assert samples.ndim == 1
    assert abs(np.fft.rfftfreq(len(samples), 1 / 16_000)[spectrum.argmax()] - 440) < 1


def test_two_equal_channels_are_one(tmp_path):
    mono = media_files.sound(tmp_path / "mono.wav", NOISE[:1])
    dual = media_files.sound(tmp_path / "dual.wav", NOISE[[0, 0]], "stereo")
    np.testing.assert_allclose(media.waveform(dual), media.waveform(mono), atol=1e-6)


@pytest.mark.parametrize(
    ("layout", "channels"), [("stereo", 2), ("5.1", 6), ("7.1", 8), ("hexadecagonal", 16)]
)
def test_channels_are_averaged(tmp_path, layout, channels):
    each = media_files.sound(tmp_path / "each.wav", NOISE[:channels], layout)
    mean = media_files.sound(tmp_path / "mean.wav", NOISE[:channels].mean(axis=0)[None])
    np.testing.assert_allclose(media.waveform(each), media.waveform(mean), atol=1e-6)


def test_waveform_at_another_rate(clip):
    assert abs(len(media.waveform(clip, rate=8_000)) / 8_000 - 6) < 0.1


def test_no_sound(tmp_path):
    path = media_files.write(tmp_path / "mute.mp4", SIX_SECONDS)
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


@pytest.mark.parametrize("name", ["still.avif", "still.webp", "still.tiff", "still.gif"])
def test_a_picture_cut_short_is_told_whatever_its_reader_raises(tmp_path, name):
    kind = name.split(".")[1]
    if kind in ("avif", "webp") and not features.check(kind):
        pytest.skip("this Pillow has no such reader")
    path = tmp_path / name
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)).save(path)
    whole = path.read_bytes()
    for share in (0.2, 0.5, 0.9):
        path.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(StudyError, match=name):
            media.still(path)


# --- hostile files: each made here, none larger than some kilobytes ------------------------------


@pytest.mark.parametrize("gap", [36_000, 10**9], ids=["ten hours", "31 years"])
def test_frames_far_apart_cost_no_memory(tmp_path, gap):
    first, last = media_files.greys([0, 1]).values()
    path = media_files.write(tmp_path / "gap.mkv", {0: first, gap: last})
    assert path.stat().st_size < 20_000
    with pytest.raises(StudyError, match=r"gap\.mkv: its video lasts .* min, and at most 30"):
        next(media.candidate_frames(path, margin=0.1))


def test_long_sound_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    path = media_files.sound(tmp_path / "long.wav", NOISE[:1])
    monkeypatch.setattr(media, "MAX_SECONDS", 0.5)
    monkeypatch.setattr(media.av, "AudioResampler", None)
    with pytest.raises(StudyError, match=r"long\.wav: its audio lasts"):
        media.waveform(path)


def test_sound_that_goes_on_beyond_its_declared_length_is_refused(tmp_path, monkeypatch):
    path = media_files.sound(tmp_path / "lies.flac", np.tile(NOISE[:1], 5))
    content = bytearray(path.read_bytes())
    assert content[:4] == b"fLaC"
    content[21] &= 0xF0
    content[22:26] = (44_100).to_bytes(4)  # the header's number of samples: one second
    path.write_bytes(content)
    monkeypatch.setattr(media, "MAX_SECONDS", 2.0)
    with pytest.raises(StudyError, match=r"lies\.flac: its audio lasts"):
        media.waveform(path)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_sound_that_is_no_number_is_told(tmp_path, bad):
    samples = NOISE[:1].copy()
    samples[0, 20_000:20_100] = bad
    with pytest.raises(StudyError, match=r"bad\.wav.*not finite"):
        media.waveform(media_files.sound(tmp_path / "bad.wav", samples))


def test_too_many_pixels_are_refused(clip, tmp_path, monkeypatch):
    path = tmp_path / "wide.png"
    Image.new("L", (2_000, 30)).save(path)
    assert media.still(path).shape == (30, 2_000, 3)
    monkeypatch.setattr(media, "MAX_PIXELS", 3_000)
    with pytest.raises(StudyError, match=r"wide\.png.*2000 × 30 pixels"):
        media.still(path)
    with pytest.raises(StudyError, match=r"clip\.mkv.*64 × 48 pixels"):
        next(media.candidate_frames(clip, margin=0.1))


@pytest.mark.parametrize(
    "read", [media.still, media.waveform, lambda path: next(media.candidate_frames(path, margin=0))]
)
def test_a_pipe_is_not_waited_for(tmp_path, read):
    path = tmp_path / "pipe.mp4"
    os.mkfifo(path)
    with pytest.raises(StudyError, match=r"pipe\.mp4.*no regular file"):
        read(path)


def test_a_list_of_other_files_is_not_followed(clip, tmp_path):
    path = tmp_path / "list.m3u8"
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://127.0.0.1:9/1.ts\n")
    with pytest.raises(StudyError, match=r"list\.m3u8"):
        next(media.candidate_frames(path, margin=0))
