"""How fast extraction is, as ratios measured in one run: ``python -m benchmarks.extraction``.

Networks run in one thread on either side of every ratio, as they do in the study, where movies
are what is spread over the cores. The clip is rendered on the spot; the sentences are those of
the open synopses.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path

import av
import numpy as np
import pandas as pd
import torch
import torchvision
from numpy.typing import NDArray
from PIL import Image

from mmrec import hardware
from mmrec.catalogue import sources
from mmrec.features import sentence_encoder, sentences, text
from mmrec.features.media import decoding, pictures, video
from mmrec.features.threads import one_thread

WIDTH, HEIGHT, FRAME_RATE, KEY_FRAME_EVERY = 640, 360, 25, 250
MARGIN = 0.1
SENTENCES = 512
_TEXT_ENCODER = "all-MiniLM-L6-v2"
_SHOT = 3 * FRAME_RATE

Times = dict[str, tuple[float, float]]
"""Way → wall time and processor time, seconds."""


def render(path: Path, seconds: int) -> Path:
    """A clip of 640 x 360 pixels, H.264 by x264's own settings, a key frame every 250 frames.

    Soft textures move under film grain, with a cut every three seconds; about 750 kbit/s.
    """
    rng = np.random.default_rng(0)
    grain = rng.normal(0, 6, (8, HEIGHT, WIDTH, 1)).astype(np.float32)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FRAME_RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        every = str(KEY_FRAME_EVERY)
        stream.options = {"g": every, "keyint_min": every, "sc_threshold": "0"}
        for index in range(seconds * FRAME_RATE):
            at = index % _SHOT
            if at == 0:
                patches = Image.fromarray(rng.integers(0, 256, (24, 40, 3), dtype=np.uint8))
                size = (WIDTH + 2 * _SHOT, HEIGHT + 2 * _SHOT)
                wall = np.asarray(patches.resize(size, Image.Resampling.BICUBIC), np.float32)
                right, down = rng.uniform(0, 2, 2)
            x, y = int(right * at), int(down * at)
            picture = wall[y : y + HEIGHT, x : x + WIDTH] + grain[index % len(grain)]
            frame = av.VideoFrame.from_ndarray(picture.clip(0, 255).astype(np.uint8), "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def every_frame_decoded(path: Path) -> list[NDArray[np.uint8]]:
    """The candidate frames as a plain script gets them: all frames decoded, these kept."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        times = decoding.candidate_times(float(stream.duration * stream.time_base), MARGIN)
        numbers = set(np.floor(times * FRAME_RATE + 1e-6).astype(int).tolist())
        return [
            frame.to_ndarray(format="rgb24")
            for number, frame in enumerate(container.decode(stream))
            if number in numbers
        ]


def one_by_one(path: Path, encoder: pictures.Encoder) -> NDArray[np.float32]:
    """The plain script: each candidate through the network alone, in float32."""
    frames = every_frame_decoded(path)
    vectors = [pictures.encode([frame], encoder, torch.float32) for frame in frames]
    return np.concatenate(vectors).mean(axis=0)


def bare_network(
    frames: list[NDArray[np.uint8]], encoder: pictures.Encoder
) -> Callable[[], object]:
    """What there is to do once the frames are decoded, scaled and batched: the network alone."""
    batches = list(pictures.batches(frames, encoder, hardware.fast_dtype()))
    return lambda: [pictures.pool(batch, encoder) for batch in batches]


def seconds_of(ways: dict[str, Callable[[], object]], rounds: int) -> Times:
    """Median wall time and processor time of each way; they take turns, after one round unmeasured.

    Returns:
        Way to (wall, processor), seconds.
    """
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            wall, processor = time.perf_counter(), time.process_time()
            way()
            if number:
                taken[name].append((time.perf_counter() - wall, time.process_time() - processor))
    return {
        name: (
            statistics.median(wall for wall, _ in times),
            statistics.median(cpu for _, cpu in times),
        )
        for name, times in taken.items()
    }


def video_seconds(clip: Path, encoder: pictures.Encoder, rounds: int) -> Times:
    """Times of the plain script, of this project's way, and of the network alone."""
    frames = every_frame_decoded(clip)
    ours = [frame for _, frame in decoding.candidate_frames(clip, margin=MARGIN)]
    np.testing.assert_array_equal(frames, ours, "not the same candidate frames")
    ways = {
        "every frame, one by one, fp32": partial(one_by_one, clip, encoder),
        "this project": partial(video.embed_trailer, clip, encoder=encoder, margin=MARGIN),
        "network alone": bare_network(frames, encoder),
    }
    return seconds_of(ways, rounds)


def text_seconds(rounds: int, folder: Path) -> Times:
    """Times of one sentence at a time and of this project's way, in one process each."""
    open_data = pd.read_csv(sources.fetch(sources.OPEN_DATA, folder).path)
    told = sentences.split(open_data["synopsis"].dropna())
    distinct = sorted({sentence for of_one in told for sentence in of_one})
    chosen = np.random.default_rng(0).choice(distinct, SENTENCES, replace=False).tolist()
    model = sentence_encoder.load(text.model_folder(_TEXT_ENCODER))
    runs = count()
    ways = {
        "one sentence at a time": lambda: [
            model.encode([sentence], show_progress_bar=False) for sentence in chosen
        ],
        # A new cache every time: nothing may be remembered from the round before.
        "this project": lambda: text.encode(
            chosen, encoder=_TEXT_ENCODER, cache=folder / str(next(runs))
        ),
    }
    return seconds_of(ways, rounds)


def report(title: str, taken: Times) -> str:
    """The times in lines, and below them how this project's compares with each of the others."""
    lines = [f"\n{title}", f"  {'':<32}{'wall, s':>9}{'processor, s':>14}"]
    lines += [f"  {name:<32}{wall:>9.2f}{cpu:>14.2f}" for name, (wall, cpu) in taken.items()]
    ours = taken["this project"][0]
    for name, (wall, _) in taken.items():
        if name == "network alone":
            lines.append(f"  {ours / wall:.2f} times the time of the network alone (aim: <= 1.25)")
        elif name != "this project":
            lines.append(f"  {wall / ours:.2f} times as fast as {name} (aim: >= 3)")
    return "\n".join(lines)


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=120, help="length of the clip")
    parser.add_argument("--rounds", type=int, default=3, help="the median of so many is shown")
    options = parser.parse_args()
    about = hardware.describe()
    dtype = str(hardware.fast_dtype()).removeprefix("torch.")
    print(f"{about['processor']}, {about['cores']} cores, networks in {dtype}")
    with tempfile.TemporaryDirectory() as folder, one_thread():
        clip = render(Path(folder) / "clip.mp4", options.seconds)
        # A network is as fast with any weights, and these need no connection.
        untrained = Path(folder) / "untrained.pth"
        torch.save(torchvision.models.resnet50().state_dict(), untrained)
        resnet = replace(video.ENCODERS["resnet50"], weights=lambda: untrained)
        for encoder in (resnet, video.ENCODERS["efficientnet-lite0"]):
            taken = video_seconds(clip, encoder, options.rounds)
            print(report(f"video, {options.seconds} s, {encoder.title}", taken), flush=True)
        taken = text_seconds(options.rounds, Path(folder))
        print(report(f"text, {SENTENCES} sentences, {_TEXT_ENCODER}", taken))


if __name__ == "__main__":
    main()
