"""One enriched movie on one page, as Figure 2 of the paper shows it."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmrec.catalogue import sources
from mmrec.features.media import decoding, sound
from mmrec.reports.style import OURS

_FRAME_SECONDS = 0.94
"""How wide a candidate frame is drawn at most: just under the second that lies between two."""
_STRIP = 0.1
"""Height of the strip of frames over its width."""
_LINE = 66
_ROWS = {"frames": 0.4, "waveform": 0.6, "mel band": 0.9, "text": 1.35}
"""Relative heights."""


@dataclass(frozen=True)
class Sample:
    """What a page shows of a movie.

    Attributes:
        heading: Title, year, and what kind of clip it is.
        clip: A video file with sound.
        synopsis: Plain text.
        facts: Name to value, drawn one below the other.
    """

    heading: str
    clip: Path
    synopsis: str
    facts: Mapping[str, str]


def open_film(cache: Path) -> list[Sample]:
    """Big Buck Bunny, a film that may be shown to everybody; nothing if it is not available."""
    folder = sources.fetch_if_there(sources.BIG_BUCK_BUNNY, cache).path
    if folder is None:
        return []
    synopsis = (
        "A huge, gentle rabbit enjoys a fine morning until three small rodents pelt him with nuts "
        "and kill butterflies for fun. He plans his revenge, with traps made of what the forest "
        "holds."
    )
    facts = {
        "genres": "Animation, Children's, Comedy",
        "director": "Sacha Goedegebure",
        "licence": "CC BY 3.0, © 2008 Blender Foundation, peach.blender.org",
    }
    clip = folder / "bigbuckbunny.mp4"
    return [Sample("Big Buck Bunny (2008), five seconds of the film", clip, synopsis, facts)]


def draw(samples: Sequence[Sample], *, margin: float) -> tuple[Figure, np.ndarray]:
    """Candidate frames, waveform, log-mel spectrogram, synopsis and facts, a column per movie.

    Args:
        samples: From left to right.
        margin: Fraction of the clip at each end that gives no candidate frame, shown in grey.

    Returns:
        The figure, and its axes [4, n].
    """
    fig, axes = plt.subplots(
        len(_ROWS),
        len(samples),
        figsize=(5 * len(samples), 5.2),
        height_ratios=list(_ROWS.values()),
        squeeze=False,
        layout="constrained",
    )
    for column, sample in zip(axes.T, samples, strict=True):
        frames, waveform, log_mel, text = column
        samples_of_sound = decoding.waveform(sample.clip)
        seconds = len(samples_of_sound) / decoding.RATE
        _frames(frames, sample.clip, seconds, margin)
        for end in (0, seconds - margin * seconds):
            frames.axvspan(end, end + margin * seconds, ymin=0.26, color="0.92", zorder=0)
        _waveform(waveform, samples_of_sound)
        _log_mel(log_mel, samples_of_sound)
        for ax in (frames, waveform, log_mel):
            ax.set_xlim(0, seconds)
            ax.tick_params(labelsize=9)
        for ax in (frames, waveform):
            ax.tick_params(labelbottom=False)
        _text(text, sample)
        frames.set_title(sample.heading, loc="left", fontsize=10, fontweight="bold")
    for row, label in zip(axes[:3], _ROWS, strict=False):
        row[0].set_ylabel(label, fontsize=9)
    fig.align_ylabels(axes[:3, 0])
    return fig, axes


def _frames(ax: Axes, clip: Path, seconds: float, margin: float) -> None:
    for time, picture in decoding.candidate_frames(clip, margin=margin):
        height, width = picture.shape[:2]
        half = min(_FRAME_SECONDS, _STRIP * seconds * width / height) / 2
        ax.imshow(picture, extent=(time - half, time + half, 0, 1), aspect="auto", zorder=2)
        ax.plot(time, -0.2, "^", color="black", ms=4, clip_on=False)
    ax.set(ylim=(-0.35, 1), yticks=[])
    ax.grid(visible=False)
    sns.despine(ax=ax, left=True, bottom=True)


def _waveform(ax: Axes, samples: np.ndarray) -> None:
    ax.plot(np.arange(len(samples)) / decoding.RATE, samples, lw=0.3, color=OURS)
    limit = np.abs(samples).max()
    ax.set(ylim=(-limit, limit), yticks=[-limit, 0, limit])
    ax.set_yticklabels([f"−{limit:.1f}", "0", f"{limit:.1f}"])


def _log_mel(ax: Axes, samples: np.ndarray) -> None:
    windows = sound.patches(samples)
    # Three of the steps of 10 ms in one: more than that, the page cannot show.
    picture = windows.reshape(-1, 3, windows.shape[-1]).mean(axis=1).T
    extent = (0, 0.03 * picture.shape[1], 0, len(picture))
    ax.imshow(
        picture,
        origin="lower",
        aspect="auto",
        extent=extent,
        cmap="cividis",
        interpolation="nearest",
    )
    ax.grid(visible=False)
    ax.set(yticks=[0, 32, 64])
    ax.set_xlabel("time (s)", fontsize=9)


def _text(ax: Axes, sample: Sample) -> None:
    ax.set_axis_off()
    facts = [
        textwrap.fill(f"{name}: {value}", _LINE, subsequent_indent="    ")
        for name, value in sample.facts.items()
        if value
    ]
    lines = [textwrap.fill(sample.synopsis, _LINE), "", *facts]
    ax.text(
        0, 1, "\n".join(lines), transform=ax.transAxes, fontsize=8.5, va="top", linespacing=1.35
    )
