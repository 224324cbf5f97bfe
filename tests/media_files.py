"""Little media files of every sort, made when a test needs them."""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

SOUND_RATE = 44_100
_TICKS = 1_000


def quadrants(width: int, height: int) -> np.ndarray:
    """Red and green above blue and white: a picture that shows how it is held."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[: height // 2, : width // 2, 0] = 255
    picture[: height // 2, width // 2 :, 1] = 255
    picture[height // 2 :, : width // 2, 2] = 255
    picture[height // 2 :, width // 2 :] = 255
    return picture


def write(
    path: Path,
    pictures: Mapping[float, np.ndarray] | Iterable[np.ndarray] = (),
    *,
    rate: int = 10,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    options: Mapping[str, str] = {"preset": "ultrafast", "qp": "0", "g": "25"},
    degrees: int = 0,
    mirrored: bool = False,
    sound: float = 0.0,
    layout: str = "mono",
    hertz: float = 440.0,
    container_options: Mapping[str, str] = {},
) -> Path:
    """Writes pictures and a tone, either of which may be missing.

    Args:
        path: Its suffix says the format.
        pictures: At a constant ``rate``, or by the second at which each appears.
        rate: Pictures a second.
        codec: FFmpeg's name of the encoder.
        pix_fmt: FFmpeg's name of the pixels' format.
        options: Of the encoder.
        degrees: By how much a player has to turn it, counter-clockwise.
        mirrored: Whether a player has to swap left and right after that.
        sound: Length of the tone, s.
        layout: Channels of the tone.
        hertz: Pitch of the tone.
        container_options: Of the format.
    """
    if not isinstance(pictures, Mapping):
        pictures = {index / rate: picture for index, picture in enumerate(pictures)}
    with av.open(str(path), "w", options=dict(container_options)) as container:
        video = container.add_stream(codec, rate=rate) if pictures else None
        audio = container.add_stream("aac", rate=SOUND_RATE, layout=layout) if sound else None
        if video:
            video.height, video.width = next(iter(pictures.values())).shape[:2]
            video.pix_fmt, video.options = pix_fmt, dict(options)
            video.time_base = video.codec_context.time_base = Fraction(1, _TICKS)
            video.codec_context.thread_count = 1
            if degrees or mirrored:
                video.set_display_rotation(degrees, hflip=mirrored)
            for second, picture in pictures.items():
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                frame.pts, frame.time_base = round(second * _TICKS), Fraction(1, _TICKS)
                container.mux(video.encode(frame))
            container.mux(video.encode(None))
        if audio:
            t = np.arange(int(sound * SOUND_RATE)) / SOUND_RATE
            wave = 0.5 * np.sin(2 * np.pi * hertz * t, dtype=np.float32)
            wave = np.repeat(wave[None], len(audio.layout.channels), axis=0)
            frame = av.AudioFrame.from_ndarray(wave, "fltp", layout)
            frame.sample_rate, frame.time_base, frame.pts = SOUND_RATE, Fraction(1, SOUND_RATE), 0
            container.mux(audio.encode(frame))
            container.mux(audio.encode(None))
    return path


def greys(seconds: Iterable[float], width: int = 64, height: int = 48) -> dict[float, np.ndarray]:
    """Pictures whose brightness says the time: grey level 20 t at t seconds."""
    return {t: np.full((height, width, 3), round(20 * t), np.uint8) for t in seconds}


def sound(path: Path, samples: np.ndarray, layout: str = "mono", rate: int = SOUND_RATE) -> Path:
    """Writes samples [channels, n] as they are: 32-bit floating point, or as a .flac 16-bit."""
    flac = path.suffix == ".flac"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("flac" if flac else "pcm_f32le", rate=rate, layout=layout)
        packed = samples.T.reshape(1, -1).astype(np.float32)
        if flac:
            frame = av.AudioFrame.from_ndarray((packed * 32_767).astype(np.int16), "s16", layout)
        else:
            frame = av.AudioFrame.from_ndarray(packed, "flt", layout)
        frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
