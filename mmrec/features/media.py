"""Pictures and sound out of media files: candidate frames, stills and mono waveforms (PyAV)."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import av
import numpy as np
from PIL import Image

from mmrec.errors import StudyError

RATE = 16_000
# A file whose stream stops this long before its declared end is taken for truncated.
_SLACK_SECONDS = 1.0
_REMEDY = "Download the file again, or take it out of the folder: the study runs without it."


def candidate_times(duration: float, margin: float, step: float = 1.0) -> np.ndarray:
    """The times of the candidate frames (paper, section V.A).

    The pivot stands in the middle of the trailer; candidates stand at every whole ``step`` before
    and after it. The beginning and the end, which hold logos, titles and credits, are left out.

    Args:
        duration: Length of the video in seconds.
        margin: Fraction of the duration discarded at each end, 0 <= margin < 0.5.
        step: Seconds between candidates.

    Returns:
        Times in seconds, float64, ascending; the pivot is always among them.

    Raises:
        StudyError: If the duration, the margin or the step is out of range.
    """
    if not 0 <= margin < 0.5:
        raise StudyError(
            f"a margin of {margin} leaves no frame",
            where="margin",
            remedy="Give the fraction to discard at each end, from 0 to below 0.5.",
        )
    if not (np.isfinite(duration) and duration > 0 and step > 0):
        raise StudyError(
            f"no candidate frame every {step} s in a video of {duration} s",
            where="duration",
            remedy="Give a video that has a length, and a step above zero.",
        )
    reach = duration / 2 - margin * duration
    # The small addition keeps a candidate that stands on the margin itself, despite rounding.
    steps = int(np.floor(reach / step + 1e-9))
    times = duration / 2 + step * np.arange(-steps, steps + 1)
    return times[(times > -1e-9) & (times < duration - 1e-9)].clip(min=0.0)


@contextmanager
def _opened(path: Path, kind: str) -> Iterator[tuple]:
    """The container, its first stream of a kind, and that stream's length in seconds."""
    try:
        with av.open(str(path)) as container:
            streams = [s for s in container.streams if s.type == kind]
            if not streams:
                raise StudyError(f"there is no {kind} in it", where=path, remedy=_REMEDY)
            stream = streams[0]
            # Files are decoded in parallel processes; threads inside one would only compete.
            stream.codec_context.thread_count = 1
            if stream.duration:
                length = float(stream.duration * stream.time_base)
            else:
                length = (container.duration or 0) / av.time_base
            if length <= 0:
                raise StudyError(f"its {kind} has no length", where=path, remedy=_REMEDY)
            yield container, stream, length
    except (av.FFmpegError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise StudyError(
            f"its {kind} cannot be read ({reason})", where=path, remedy=_REMEDY
        ) from error


def _truncated(path: Path, kind: str, end: float, length: float) -> StudyError:
    what = f"its {kind} stops after {end:.1f} s of {length:.1f} s"
    return StudyError(what, where=path, remedy=_REMEDY)


def candidate_frames(
    path: Path, *, margin: float, step: float = 1.0
) -> Iterator[tuple[float, np.ndarray]]:
    """Decodes the frames on screen at the candidate times (paper, section V.A).

    One seek to the key frame before the first candidate, then decoding forward up to the last one,
    is faster than a seek per candidate and than decoding the whole file. Frames come one at a
    time, since those of a long trailer would fill the memory.

    Args:
        path: A video file of any format FFmpeg reads.
        margin: Fraction of the duration discarded at each end.
        step: Seconds between candidates.

    Yields:
        The candidate's time in seconds, and the frame, RGB uint8 [height, width, 3].

    Raises:
        StudyError: If the file is no video, has no length, is damaged or is truncated.
    """
    with _opened(path, "video") as (container, stream, length):
        # Damage must be heard of: by default a decoder paints over it with neighbouring blocks.
        stream.codec_context.options = {"err_detect": "explode"}
        start = float((stream.start_time or 0) * stream.time_base)
        wanted = iter(candidate_times(length, margin, step).tolist())
        time = next(wanted)
        container.seek(int((start + time) / stream.time_base), stream=stream)
        shown, end = None, 0.0
        for frame in container.decode(stream):
            if frame.pts is None:
                continue
            begin = float(frame.pts * stream.time_base) - start
            while time is not None and shown is not None and begin > time + 1e-6:
                yield time, shown.to_ndarray(format="rgb24")
                time = next(wanted, None)
            if time is None:
                return
            shown, end = frame, begin
        if shown is None or end < length - _SLACK_SECONDS:
            raise _truncated(path, "video", end, length)
        while time is not None:
            yield time, shown.to_ndarray(format="rgb24")
            time = next(wanted, None)


def still(path: Path) -> np.ndarray:
    """Reads a picture, RGB uint8 [height, width, 3].

    Raises:
        StudyError: If the file is no picture or is damaged.
    """
    try:
        with Image.open(path) as image:
            return np.array(image.convert("RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise StudyError(f"not a readable picture ({error})", where=path, remedy=_REMEDY) from error


def waveform(path: Path, rate: int = RATE) -> np.ndarray:
    """The sound track of a file, mixed down to one channel.

    Args:
        path: A video or sound file of any format FFmpeg reads, with any number of channels.
        rate: Samples per second of the result.

    Returns:
        Samples, float32 [n], full scale at 1.

    Raises:
        StudyError: If the file has no sound, or its sound is damaged or truncated.
    """
    with _opened(path, "audio") as (container, stream, length):
        resampler = av.AudioResampler(format="flt", layout="mono", rate=rate)
        pieces = [
            piece.to_ndarray()[0]
            for frame in chain(container.decode(stream), [None])  # None flushes the resampler
            for piece in resampler.resample(frame)
        ]
        samples = np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
        if len(samples) / rate < length - _SLACK_SECONDS or not len(samples):
            raise _truncated(path, "audio", len(samples) / rate, length)
    return samples.astype(np.float32, copy=False)
