"""From sound to vectors: VGGish's log-mel patches and their summaries (paper, section V.A).

The code behind a vector of a sound track is in this module and in `mmrec.features.media.decoding`;
the digest of both is part of the key of cached vectors.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torchvggish import torchvggish, vggish_input

from mmrec.features import registry
from mmrec.features.media.decoding import RATE

# The shortest sound that fills one window: 96 frames of 25 ms, 10 ms apart.
_SHORTEST = round(0.975 * RATE)


@dataclass(frozen=True, eq=False)
class Encoder(registry.Encoder):
    """A way from log-mel patches to one vector of 128 numbers.

    Attributes:
        recipe: What is computed, in a few words.
        summarise: Maps patches [windows, 96, 64] and the file of weights (None if the encoder has
            none) to [128].
    """

    recipe: str
    summarise: Callable[[NDArray[np.float32], Path | None], NDArray[np.floating]]


def patches(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """VGGish's input: log-mel patches of consecutive windows of 0.96 s.

    Args:
        samples: float32 [n] at 16 kHz, full scale at 1; less than one window is padded with
            silence, and what remains after the last whole window is left out.

    Returns:
        float32 [windows, 96 frames of 10 ms, 64 mel bands from 125 Hz to 7.5 kHz], natural
        logarithm of the magnitude plus 0.01.
    """
    padded = np.pad(samples, (0, max(0, _SHORTEST - len(samples))))
    windows = vggish_input.waveform_to_examples(padded, RATE, return_tensor=False)
    return np.asarray(windows, np.float32)


def encode(samples: NDArray[np.float32], encoder: Encoder) -> NDArray[np.float32]:
    """The vector of a sound track (paper, section V.A).

    Args:
        samples: float32 [n] at 16 kHz, full scale at 1.
        encoder: One of `mmrec.features.media.audio.ENCODERS`, or the reader's own.

    Returns:
        float32 [128].

    Raises:
        StudyError: If the encoder's weights are not available.
    """
    file = encoder.weights() if encoder.weights else None
    return encoder.summarise(patches(samples), file).astype(np.float32)


def vggish_mean(windows: NDArray[np.float32], file: Path | None) -> NDArray[np.floating]:
    """VGGish's embedding of each window without its post-processing, averaged."""
    with torch.inference_mode():
        batches = torch.from_numpy(windows)[:, None].split(32)
        network = _vggish(file)
        return np.asarray(torch.cat([network(batch) for batch in batches]).mean(0).numpy())


def log_mel_statistics(windows: NDArray[np.float32], _: Path | None) -> NDArray[np.floating]:
    """Mean and standard deviation of each of the 64 bands over all frames."""
    bands = windows.reshape(-1, windows.shape[-1]).astype(np.float64)
    return np.concatenate([bands.mean(axis=0), bands.std(axis=0)])


@lru_cache(maxsize=1)
def _vggish(file: Path | None) -> nn.Module:
    if file is None:
        raise ValueError("VGGish has a file of weights")
    network: nn.Module = torchvggish._vgg(postprocess=False)
    network.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
    return network.eval()
