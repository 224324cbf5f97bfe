"""Pictures and sound out of media files: candidate frames, stills and mono waveforms (PyAV).

Files come from anywhere, so nothing that they declare is trusted with memory or time: what is no
regular file, longer than :data:`MAX_SECONDS` or larger than :data:`MAX_PIXELS` is refused before
it is decoded, and sound that goes on beyond its declared length is refused while it is.
"""

from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mmrec.errors import StudyError

RATE = 16_000
"""Samples per second of a waveform, as VGGish takes it."""
MAX_SECONDS = 1_800.0
"""Longest video or sound that is read: trailers last minutes, and half an hour of sound takes
1.5 GB as a spectrogram."""
MAX_PIXELS = 50_000_000
"""Largest picture or frame that is read; one of 8K video has 33 million pixels."""
FORMATS = (
    *("mov", "matroska", "webm", "avi", "asf", "flv", "mpeg", "mpegts", "ogg"),
    *("wav", "w64", "aiff", "caf", "flac", "mp3", "aac"),
)
"""Containers that are read. Playlists are not among them: they name other files, here or on the
network, and FFmpeg would read one without an end again and again."""
# A file whose stream stops this long before its declared end is taken for truncated.
_SLACK_SECONDS = 1.0
_REMEDY = "Download the file again, or take it out of the folder: the study runs without it."


def candidate_times(duration: float, margin: float, step: float = 1.0) -> NDArray[np.float64]:
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


def check_regular(path: Path) -> None:
    """Raises StudyError unless the path is a file on a disk: reading a pipe would never end."""
    if not path.exists():
        raise StudyError("cannot be read (there is no such file)", where=path, remedy=_REMEDY)
    if not path.is_file():
        raise StudyError("cannot be read (it is no regular file)", where=path, remedy=_REMEDY)


@contextmanager
def _opened(
    path: Path, kind: Literal["video", "audio"]
) -> Iterator[tuple[av.container.InputContainer, av.stream.Stream, float]]:
    """The container, its first stream of a kind, and that stream's length in seconds."""
    check_regular(path)
    try:
        options = {"protocol_whitelist": "file", "format_whitelist": ",".join(FORMATS)}
        with av.open(f"file:{path}", options=options) as container:
            # A picture on the cover of a sound file is a stream as well, of one frame.
            cover = av.stream.Disposition.attached_pic
            streams = [s for s in container.streams if s.type == kind and not s.disposition & cover]
            if not streams:
                raise StudyError(f"there is no {kind} in it", where=path, remedy=_REMEDY)
            stream = streams[0]
            # Files are decoded in parallel processes; threads inside one would only compete.
            stream.codec_context.thread_count = 1
            if stream.duration and stream.time_base:
                length = float(stream.duration * stream.time_base)
            else:
                length = (container.duration or 0) / av.time_base
            if length <= 0:
                raise StudyError(f"its {kind} has no length", where=path, remedy=_REMEDY)
            if length > MAX_SECONDS:
                raise _too_long(path, kind, length)
            yield container, stream, length
    except (av.FFmpegError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise StudyError(
            f"its {kind} cannot be read ({reason})", where=path, remedy=_REMEDY
        ) from error


def _too_long(path: Path, kind: str, length: float) -> StudyError:
    what = f"its {kind} lasts {length / 60:,.0f} min, and at most {MAX_SECONDS / 60:.0f} are read"
    return StudyError(what, where=path, remedy="Give a trailer, or an excerpt of the film.")


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise ValueError(f"{width} × {height} pixels, and at most {MAX_PIXELS:,} are read")


def _truncated(path: Path, kind: str, end: float, length: float) -> StudyError:
    what = f"its {kind} stops after {end:.1f} s of {length:.1f} s"
    return StudyError(what, where=path, remedy=_REMEDY)


def candidate_frames(
    path: Path, *, margin: float, step: float = 1.0
) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """Decodes the frames on screen at the candidate times (paper, section V.A).

    The file's index of packets is read first. It tells which packets each wanted frame is built
    on; these alone are decoded, and of them only those that others refer to or that are wanted
    give a picture. Frames come one at a time, since those of a long trailer would fill the memory.

    Args:
        path: A video file in one of :data:`FORMATS`.
        margin: Fraction of the duration discarded at each end.
        step: Seconds between candidates.

    Yields:
        The candidate's time in seconds, and the frame as a player shows it (upright, if the file
        says how it was held), RGB uint8 [height, width, 3].

    Raises:
        StudyError: If the file is no video, has no length, is too long or too large, is damaged or
            is truncated.
    """
    with _opened(path, "video") as (container, stream, length):
        tick = float(stream.time_base or 0)
        start = (stream.start_time or 0) * tick
        packets = [(p.pts, p.is_keyframe) for p in container.demux(stream) if p.pts is not None]
        begins = np.sort([pts for pts, _ in packets])
        seconds = begins * tick - start
    times = candidate_times(length, margin, step)
    end = seconds[-1] if len(seconds) else 0.0
    if not len(seconds) or end < min(length - _SLACK_SECONDS, times[-1]):
        raise _truncated(path, "video", end, length)
    at = np.searchsorted(seconds, times + 1e-6, side="right") - 1
    wanted = begins[at.clip(min=0)].tolist()
    # Opened again rather than rewound: not every format can seek to its very beginning.
    with _opened(path, "video") as (container, stream, _):
        assert isinstance(stream, av.VideoStream)
        frames = _in_order(_decoded(container, stream, _needed(packets, wanted), set(wanted)))
        shown, following = next(frames, None), next(frames, None)
        if shown is None:
            raise _truncated(path, "video", 0.0, length)
        for time, begin in zip(times.tolist(), wanted, strict=True):
            while following is not None and following.pts <= begin:
                shown, following = following, next(frames, None)
            yield time, _upright(shown)


def _needed(packets: Sequence[tuple[int, bool]], wanted: Sequence[int]) -> set[int]:
    """Which packets to decode: those from the key frame before a wanted frame up to it.

    Args:
        packets: Time stamp of each packet in the file's order, and whether it is a key frame.
        wanted: Time stamps of the frames to show.

    Returns:
        Time stamps of packets.
    """
    stamps = np.array([pts for pts, _ in packets])
    # A key frame that is followed by earlier pictures (an open group) is no place to begin at.
    earliest_from = np.minimum.accumulate(stamps[::-1])[::-1]
    is_key = np.array([key for _, key in packets])
    keys = np.flatnonzero(is_key & (stamps == earliest_from))
    needed = np.zeros(len(packets), bool)
    for last in np.flatnonzero(np.isin(stamps, wanted)):
        before = np.searchsorted(keys, last, side="right") - 1
        needed[keys[before] if before >= 0 else 0 : last + 1] = True
    return set(stamps[needed].tolist())


def _decoded(
    container: av.container.InputContainer,
    stream: av.VideoStream,
    needed: Set[int],
    wanted: Set[int],
) -> Iterator[av.VideoFrame]:
    """The wanted frames, among others, in the order of display.

    Args:
        container: Just opened.
        stream: Its video.
        needed: Time stamps of the packets to decode.
        wanted: Time stamps of the frames to show.
    """
    decoder = stream.codec_context
    _check_size(decoder.width, decoder.height)
    # Damage must be heard of: by default a decoder paints over it with neighbouring blocks.
    decoder.options = {"err_detect": "explode"}
    gap = False
    for packet in container.demux(stream):
        if packet.pts is not None and packet.pts not in needed:
            gap = True
            continue
        if gap:
            # What is left out between two groups of pictures must not look like damage.
            yield from decoder.decode(None)
            decoder.flush_buffers()
            gap = False
        # A picture nothing refers to costs its decoding only if it is itself wanted.
        decoder.skip_frame = "DEFAULT" if packet.pts in wanted else "NONREF"
        yield from packet.decode()


def _in_order(frames: Iterator[av.VideoFrame]) -> Iterator[av.VideoFrame]:
    """Frames whose times can be trusted: AVI, for one, has no place for those of H.264."""
    last = float("-inf")
    for frame in frames:
        if frame.pts is None:
            continue
        if frame.pts < last:
            raise ValueError("the times of its frames are out of order")
        last = frame.pts
        _check_size(frame.width, frame.height)  # it may grow on the way
        yield frame


def _upright(frame: av.VideoFrame) -> NDArray[np.uint8]:
    """The picture as it is to be shown: some cameras write it turned or mirrored, and say so."""
    picture = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
    matrix: Any = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return picture
    # A place (x, y) is shown at (ax + cy, bx + dy).
    (a, b, _), (c, d, _), _ = np.frombuffer(matrix, np.int32).reshape(3, 3)
    if abs(b) > abs(a):
        picture, a, d = picture.transpose(1, 0, 2), c, b
    return np.ascontiguousarray(picture[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1])


def still(path: Path) -> NDArray[np.uint8]:
    """Reads a picture, RGB uint8 [height, width, 3].

    Raises:
        StudyError: If the file is no picture, is damaged or is too large.
    """
    check_regular(path)
    try:
        with Image.open(path) as image:
            _check_size(*image.size)
            return np.array(image.convert("RGB"))
    # Each of Pillow's formats has a reader of its own, which fails on damage in a way of its own.
    except Exception as error:
        raise StudyError(f"not a readable picture ({error})", where=path, remedy=_REMEDY) from error


def waveform(path: Path, rate: int = RATE) -> NDArray[np.float32]:
    """The sound track of a file as one channel, the mean of its channels.

    The mean is what VGGish's own preparation takes. FFmpeg's mix to mono is another one: it adds
    up two equal channels to 1.41 times their level.

    Args:
        path: A video or sound file in one of :data:`FORMATS`, with any number of channels.
        rate: Samples per second of the result.

    Returns:
        Samples, float32 [n], full scale at 1, all of them finite.

    Raises:
        StudyError: If the file has no sound, or its sound is too long, damaged or truncated.
    """
    pieces, n = [np.zeros(0, np.float32)], 0
    with _opened(path, "audio") as (container, stream, length):
        # Interleaved: more than seven channels in planes of their own crash PyAV.
        resampler = av.AudioResampler(format="flt", rate=rate)
        assert isinstance(stream, av.AudioStream)
        for frame in chain(container.decode(stream), [None]):  # None flushes the resampler
            for piece in resampler.resample(frame):
                channels = piece.to_ndarray().reshape(-1, piece.layout.nb_channels)
                pieces.append(channels.mean(axis=1, dtype=np.float32))
                n += len(pieces[-1])
            if n > MAX_SECONDS * rate:
                raise _too_long(path, "audio", n / rate)
        samples = np.concatenate(pieces)
        if n / rate < length - _SLACK_SECONDS or not n:
            raise _truncated(path, "audio", n / rate, length)
    if not np.isfinite(samples).all():
        what = "its audio holds samples that are not finite numbers"
        raise StudyError(what, where=path, remedy=_REMEDY)
    return samples
