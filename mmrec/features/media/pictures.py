"""From pictures to vectors: ImageNet networks and their input (paper, section V.A).

The code behind a vector of a picture is in this module and in `mmrec.features.media.decoding`; the
digest of both is part of the key of cached vectors.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from pathlib import Path

import numpy as np
import torch
import torchvision
from efficientnet_lite_pytorch import EfficientNet
from numpy.typing import NDArray
from torch import nn
from torchvision.transforms import InterpolationMode, v2

from mmrec import hardware
from mmrec.features import registry
from mmrec.features.threads import ahead

_BATCH = 8
_IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
HALF = {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}
"""Normalisation to -1…1."""


@dataclass(frozen=True, eq=False)
class Encoder(registry.Encoder):
    """A network whose last feature map, averaged over the picture, describes a frame.

    Attributes:
        width: Length of the vector.
        trunk: Builds the network from the file of weights (from None if ``weights`` is None);
            maps [b, 3, 224, 224] to feature maps [b, width, h, w], or to vectors [b, width].
        resampling: How a frame is scaled to 256 pixels on its short side.
        normalisation: ``mean`` and ``std`` per colour channel.
    """

    width: int
    trunk: Callable[[Path | None], nn.Module]
    resampling: InterpolationMode = InterpolationMode.BILINEAR
    normalisation: Mapping[str, Sequence[float]] = field(default_factory=lambda: _IMAGENET)

    def prepare(self) -> v2.Transform:
        """Turns an RGB uint8 frame into the network's float32 [3, 224, 224] input."""
        return v2.Compose(
            [
                v2.ToImage(),
                v2.Resize(256, interpolation=self.resampling, antialias=True),
                v2.CenterCrop(224),
                v2.ToDtype(torch.float32, scale=True),
                v2.Normalize(**self.normalisation),
            ]
        )


class _LiteTrunk(nn.Module):
    def __init__(self, network: EfficientNet):
        super().__init__()
        self.network = network

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        features: torch.Tensor = self.network.extract_features(pictures)
        return features


def _load(network: nn.Module, path: Path | None) -> nn.Module:
    if path is None:
        raise ValueError("this network has a file of weights")
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return network


def resnet50(path: Path | None) -> nn.Module:
    """ResNet-50 up to its last feature map, weights from a file."""
    network = _load(torchvision.models.resnet50(), path)
    return nn.Sequential(*list(network.children())[:-2])


def efficientnet_lite0(path: Path | None) -> nn.Module:
    """EfficientNet-lite0 up to its last feature map, weights from a file."""
    return _LiteTrunk(_load(EfficientNet.from_name("efficientnet-lite0"), path))


@lru_cache(maxsize=2)
def _loaded(encoder: Encoder, dtype: torch.dtype) -> tuple[nn.Module, v2.Transform]:
    trunk = encoder.trunk(encoder.weights and encoder.weights()).eval()
    trunk = trunk.to(dtype=dtype).to(memory_format=torch.channels_last)
    return trunk, encoder.prepare()


def encode(
    pictures: Iterable[NDArray[np.uint8]], encoder: Encoder, dtype: torch.dtype | None = None
) -> NDArray[np.float32]:
    """Pool-layer vectors of pictures (paper, section V.A).

    A second thread prepares the next pictures while the network processes these.

    Args:
        pictures: RGB uint8 [height, width, 3], of any size.
        encoder: One of `mmrec.features.media.video.ENCODERS`, or the reader's own.
        dtype: Number format of the network; `mmrec.hardware.fast_dtype` by default.

    Returns:
        Vectors, float32 [n, width].

    Raises:
        StudyError: If the encoder's weights are not available.
    """
    dtype = dtype or hardware.fast_dtype()
    vectors = [np.zeros((0, encoder.width), np.float32)]
    for batch in ahead(batches(pictures, encoder, dtype), depth=2):
        vectors.append(pool(batch, encoder))
    return np.concatenate(vectors)


def batches(
    pictures: Iterable[NDArray[np.uint8]], encoder: Encoder, dtype: torch.dtype
) -> Iterator[torch.Tensor]:
    """The network's input, [b, 3, 224, 224] in its number format, lazily."""
    _, prepare = _loaded(encoder, dtype)
    pictures = iter(pictures)
    while batch := [prepare(picture) for picture in islice(pictures, _BATCH)]:
        yield torch.stack(batch).to(dtype=dtype, memory_format=torch.channels_last)


def pool(batch: torch.Tensor, encoder: Encoder) -> NDArray[np.float32]:
    """The network's last feature map, averaged over each picture: float32 [b, width]."""
    trunk, _ = _loaded(encoder, batch.dtype)
    with torch.inference_mode():
        features = trunk(batch).float()
        pooled = features.mean((2, 3)) if features.ndim == 4 else features
        return np.asarray(pooled.numpy())
