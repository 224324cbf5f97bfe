"""Short rendered clips that stand in for trailers, so that the media code runs without a network.

They are labelled "demo" on screen and in their metadata. They contain nothing of a film but its
genres, which determine the colours, the motion, the cutting rate and the sound, with noise specific
to the movie. What a model learns from them does not show what it would learn from real trailers.
"""

import hashlib
import json
import struct
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from fractions import Fraction
from pathlib import Path

import av
import joblib
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from mmrec import progress
from mmrec.workspace import atomic_path

WIDTH, HEIGHT, FRAME_RATE, SOUND_RATE = 160, 90, 12, 16_000
# Part of the file names: raise it when the picture or the sound of a given movie changes.
_DESIGN = 1
# Fraction of the clip under a title card, at the beginning and again at the end.
_CARD = 0.08
_FONT = ImageFont.load_default(10)


@dataclass(frozen=True)
class Style:
    """The look and sound of a genre, each number in 0-1.

    Attributes:
        hue: Dominant colour on the colour circle.
        colour: Saturation.
        light: Brightness.
        motion: Speed of what moves.
        cuts: Cutting rate, from one cut in about 3 s to three a second.
        pitch: Height of the sound's ground note.
        rhythm: Strength and rate of the beat.
        noise: Share of noise in the sound.
        harmony: 1 for a major chord, 0 for a dissonance.
    """

    hue: float
    colour: float
    light: float
    motion: float
    cuts: float
    pitch: float
    rhythm: float
    noise: float
    harmony: float


STYLES = {
    "unknown": Style(0.50, 0.20, 0.50, 0.50, 0.50, 0.50, 0.50, 0.50, 0.50),
    "Action": Style(0.06, 0.80, 0.50, 0.95, 0.95, 0.30, 0.95, 0.60, 0.35),
    "Adventure": Style(0.28, 0.70, 0.60, 0.75, 0.65, 0.45, 0.70, 0.35, 0.75),
    "Animation": Style(0.15, 0.95, 0.85, 0.70, 0.55, 0.80, 0.60, 0.05, 0.95),
    "Children's": Style(0.13, 0.90, 0.90, 0.55, 0.40, 0.85, 0.50, 0.05, 1.00),
    "Comedy": Style(0.17, 0.70, 0.80, 0.50, 0.50, 0.70, 0.60, 0.10, 0.90),
    "Crime": Style(0.60, 0.35, 0.25, 0.45, 0.55, 0.25, 0.50, 0.35, 0.25),
    "Documentary": Style(0.32, 0.25, 0.55, 0.15, 0.15, 0.50, 0.05, 0.25, 0.60),
    "Drama": Style(0.09, 0.40, 0.45, 0.20, 0.20, 0.40, 0.10, 0.10, 0.55),
    "Fantasy": Style(0.78, 0.80, 0.65, 0.55, 0.45, 0.65, 0.35, 0.20, 0.80),
    "Film-Noir": Style(0.62, 0.05, 0.20, 0.25, 0.30, 0.20, 0.15, 0.25, 0.20),
    "Horror": Style(0.00, 0.75, 0.15, 0.60, 0.60, 0.05, 0.25, 0.75, 0.00),
    "Musical": Style(0.90, 0.85, 0.80, 0.65, 0.50, 0.75, 0.90, 0.00, 1.00),
    "Mystery": Style(0.70, 0.45, 0.25, 0.30, 0.35, 0.35, 0.20, 0.40, 0.15),
    "Romance": Style(0.95, 0.55, 0.75, 0.15, 0.15, 0.60, 0.20, 0.00, 0.90),
    "Sci-Fi": Style(0.55, 0.85, 0.40, 0.80, 0.70, 0.55, 0.65, 0.55, 0.30),
    "Thriller": Style(0.58, 0.50, 0.25, 0.65, 0.80, 0.20, 0.75, 0.45, 0.10),
    "War": Style(0.20, 0.40, 0.35, 0.75, 0.75, 0.10, 0.80, 0.85, 0.30),
    "Western": Style(0.08, 0.65, 0.65, 0.40, 0.30, 0.50, 0.45, 0.15, 0.65),
}


def render(
    movies: pd.DataFrame, folder: Path, *, seconds: float = 6.0, n_jobs: int = -1
) -> dict[int, Path]:
    """Renders one clip with sound per movie, 160 x 90 pixels, H.264 and AAC.

    A clip is a function of the movie's id, its genres and ``seconds`` alone, and its name carries
    a hash of these: a whole file that is there is kept, so an interrupted run resumes.

    Args:
        movies: Columns ``movie_id`` and ``genres`` (a list of MovieLens genre names).
        folder: Where the clips go.
        seconds: Length of a clip.
        n_jobs: Parallel threads, as joblib counts them.

    Returns:
        Movie id to file, in the order of ``movies``.
    """
    genres = {int(m): tuple(g) for m, g in zip(movies["movie_id"], movies["genres"], strict=True)}
    paths = {m: Path(folder) / _file_name(m, genres[m], seconds) for m in genres}
    missing = [m for m, path in paths.items() if not _is_whole(path)]
    tasks = (joblib.delayed(_render_one)(m, genres[m], seconds, paths[m]) for m in missing)
    if missing:
        # Encoding leaves Python, so threads do, and need no start-up of processes.
        done = joblib.Parallel(n_jobs, prefer="threads", return_as="generator_unordered")(tasks)
        for _ in progress.bar(done, total=len(missing), label="rendering demo trailers"):
            pass
    return paths


def style_of(genres: tuple[str, ...], rng: np.random.Generator) -> Style:
    """The mean of the genres' styles, with the movie's own deviation.

    Hues are averaged on the circle, weighted by how colourful each genre is.
    """
    rows = np.array([astuple(STYLES[g]) for g in genres or ("unknown",)])
    mean = rows.mean(axis=0)
    mean[0] = np.angle((rows[:, 1] * np.exp(2j * np.pi * rows[:, 0])).sum()) / (2 * np.pi)
    noisy = mean + rng.normal(0, [0.04] + [0.09] * (len(mean) - 1))
    return Style(noisy[0] % 1.0, *noisy[1:].clip(0.02, 0.98))


def _is_whole(path: Path) -> bool:
    """Whether a clip exists and is complete: its boxes fill the file."""
    try:
        size, at, kinds = path.stat().st_size, 0, set()
        with path.open("rb") as file:
            while header := file.read(8):
                length, kind = struct.unpack(">I4s", header)
                kinds.add(kind)
                at += max(length, len(header))
                file.seek(at)
    except (FileNotFoundError, struct.error):
        return False
    return at == size and b"moov" in kinds


def _file_name(movie_id: int, genres: tuple[str, ...], seconds: float) -> str:
    key = json.dumps([_DESIGN, movie_id, sorted(genres), float(seconds)])
    return f"{movie_id}-{hashlib.sha256(key.encode()).hexdigest()[:8]}.mp4"


def _render_one(movie_id: int, genres: tuple[str, ...], seconds: float, path: Path) -> None:
    rng = np.random.default_rng([_DESIGN, movie_id])
    style = style_of(tuple(sorted(genres)), rng)
    with atomic_path(path) as part, av.open(str(part), "w") as container:
        container.metadata["title"] = f"demo trailer of movie {movie_id}, rendered"
        video = container.add_stream("libx264", rate=FRAME_RATE)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.options = {"preset": "ultrafast", "crf": "30"}
        video.codec_context.thread_count = 1
        audio = container.add_stream("aac", rate=SOUND_RATE, layout="mono")
        for picture in _pictures(style, seconds, rng):
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(video.encode(None))
        sound = av.AudioFrame.from_ndarray(_sound(style, seconds, rng)[None], "fltp", "mono")
        sound.sample_rate, sound.time_base, sound.pts = SOUND_RATE, Fraction(1, SOUND_RATE), 0
        container.mux(audio.encode(sound))
        container.mux(audio.encode(None))


def _pictures(
    style: Style, seconds: float, rng: np.random.Generator
) -> Iterator[NDArray[np.uint8]]:
    """Frames uint8 [90, 160, 3]: scenes of a graded background and moving discs, between cards."""
    frames = round(seconds * FRAME_RATE)
    card = round(_CARD * frames)
    mean_scene = FRAME_RATE * 3.0 / (1 + 8 * style.cuts)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH] / HEIGHT
    left = 0
    for index in range(frames):
        if index < card or index >= frames - card:
            picture = np.zeros((HEIGHT, WIDTH, 3))
            yield _labelled(picture, "DEMO TRAILER", (34, 38))
            continue
        if left <= 0:
            left = max(2, round(mean_scene * rng.uniform(0.5, 1.5)))
            scene = _scene(style, rng)
        left -= 1
        background, places, speeds, sizes, colours = scene
        picture = background * (1 - 0.35 * y[..., None])
        for place, size, colour in zip(places, sizes, colours, strict=True):
            inside = np.hypot(x - place[0], y - place[1]) < size
            picture[inside] = colour
        places += speeds / FRAME_RATE
        picture = picture + 0.02 * rng.standard_normal(picture.shape, np.float32)
        yield _labelled(picture, "demo", (4, 78))


def _scene(style: Style, rng: np.random.Generator) -> tuple[NDArray[np.float64], ...]:
    """One shot: background colour, and place, speed (heights a second), size, colour of discs."""
    discs = rng.integers(2, 3 + round(4 * style.motion))
    hues = style.hue + rng.normal(0, 0.05, discs + 1)
    lights = (style.light + rng.normal(0, 0.10, discs + 1)).clip(0.05, 1.0)
    colours = np.stack([_rgb(h, style.colour, v) for h, v in zip(hues, lights, strict=True)])
    directions = rng.uniform(0, 2 * np.pi, discs)
    speed = 2.0 * style.motion * rng.uniform(0.5, 1.5, discs)
    speeds = speed[:, None] * np.stack([np.cos(directions), np.sin(directions)], axis=1)
    places = rng.uniform([0, 0], [WIDTH / HEIGHT, 1], (discs, 2))
    contrast = (colours[1:] * rng.uniform(0.4, 1.8, (discs, 1))).clip(0, 1)
    return colours[0], places, speeds, rng.uniform(0.06, 0.30, discs), contrast


def _rgb(hue: float, saturation: float, value: float) -> NDArray[np.float64]:
    """HSV to RGB, all 0-1, for one colour."""
    distance = np.abs((hue + np.array([0, 2 / 3, 1 / 3])) % 1 * 6 - 3) - 1
    return np.asarray(value * (1 - saturation * (1 - distance.clip(0, 1))))


def _labelled(picture: NDArray[np.float64], text: str, at: tuple[int, int]) -> NDArray[np.uint8]:
    image = Image.fromarray((picture.clip(0, 1) * 255).astype(np.uint8))
    ImageDraw.Draw(image).text(at, text, fill=(230, 230, 230), font=_FONT)
    return np.asarray(image)


def _sound(style: Style, seconds: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Samples float32 [n]: a chord over a ground note, beaten and mixed with noise."""
    t = np.arange(round(seconds * SOUND_RATE)) / SOUND_RATE
    ground = 60.0 * 2 ** (3 * style.pitch)
    # Third and fifth of the chord move from a semitone and a tritone to the pure intervals.
    ratios = [1.0, 1.06 + 0.19 * style.harmony, 1.414 + 0.086 * style.harmony, 2.0]
    tones = sum(
        np.sin(2 * np.pi * ground * ratio * t + rng.uniform(0, 2 * np.pi)) * rng.uniform(0.5, 1.0)
        for ratio in ratios
    ) / len(ratios)
    beats = 1 + 5 * style.rhythm
    envelope = 1 - style.rhythm * ((beats * t + rng.uniform()) % 1)
    hiss = rng.normal(0, 0.5, len(t))
    mixed = envelope * ((1 - style.noise) * tones + style.noise * hiss)
    fade = np.minimum(1, 10 * np.minimum(t, t[-1] - t) / seconds)
    return np.asarray((0.5 * fade * mixed).clip(-1, 1), np.float32)
