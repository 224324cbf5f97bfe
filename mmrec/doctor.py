"""``mmrec doctor``: what is installed here, which sources and encoders serve, what is set up."""

import importlib.util
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import mmrec
from mmrec import hardware, settings
from mmrec.catalogue import sources
from mmrec.errors import StudyError
from mmrec.workspace import Workspace

FOLDERS = {
    "MMREC_BUILD": ("where runs are kept (default: build/)", True),
    "MMREC_MIRROR": ("copies of the original sources", False),
    "MMREC_TRAILERS": ("your own trailers, <number>.mp4, and trailers.csv beside them", False),
}
"""Environment variable → what the folder is for, and whether it is made where it is missing."""
KEYS = {
    "YOUTUBE_API_KEY": "trailers by YouTube's Data API instead of two published lists",
    "MMREC_CONTACT": "your address, for services that ask who asks",
}
"""Environment variable → what it gives. Their values are never shown."""
RUNTIMES = ("deno", "node", "bun", "qjs")
"""JavaScript runtimes that yt-dlp can use to read YouTube's pages."""

Rows = list[tuple[str, str]]


def report() -> tuple[dict[str, Rows], bool]:
    """Finds out what the study would use here.

    Every source is fetched and verified, as the study would; weights are verified where they are,
    and not downloaded.

    Returns:
        Heading → name and finding, in order; and whether the study can run: with every package
        installed and the ratings available.
    """
    versions = hardware.versions()
    missing = [name for name, version in versions.items() if version is None]
    sections = {
        "Machine": _machine(),
        "Packages": [
            (name, version or "missing: pip install -c constraints.txt -e '.[test]'")
            for name, version in versions.items()
        ],
        "Folders": [(name, _folder(name)) for name in FOLDERS],
        "Keys and helpers of mmrec enrich": [*map(_key, KEYS), *_helpers()],
    }
    sections["Sources"], ratings = _sources()
    sections["Encoders"] = _encoders()
    return sections, ratings and not missing


def shown(sections: dict[str, Rows]) -> str:
    """The report in lines, its columns aligned throughout."""
    width = max(len(name) for rows in sections.values() for name, _ in rows) + 2
    lines: list[str] = []
    for heading, rows in sections.items():
        lines += ["", heading]
        for name, finding in rows:
            first, *more = finding.splitlines() or [""]
            lines.append(f"  {name:<{width}}{first}")
            lines += [f"  {'':<{width}}{line}" for line in more]
    return "\n".join(lines[1:])


def _machine() -> Rows:
    described = hardware.describe().items()
    found = [
        (name, ", ".join(value) if isinstance(value, list) else str(value))
        for name, value in described
    ]
    return [("mmrec", mmrec.__version__), *found]


def _folder(name: str) -> str:
    purpose, made = FOLDERS[name]
    value = os.environ.get(name)
    if not value:
        return f"not set: {purpose}"
    if not Path(value).exists() and not made:
        return f"{value}: THERE IS NO SUCH FOLDER"
    return value if Path(value).is_dir() or not Path(value).exists() else f"{value}: NO FOLDER"


def _key(name: str) -> tuple[str, str]:
    return name, "set" if os.environ.get(name) else f"not set: {KEYS[name]}"


def _helpers() -> Rows:
    runtimes = [name for name in RUNTIMES if shutil.which(name)]
    helper = importlib.util.find_spec("yt_dlp_ejs") is not None
    return [
        ("JavaScript", ", ".join(runtimes) or "no runtime: YouTube's trailers may fail (get Deno)"),
        ("yt-dlp's helper", "installed" if helper else 'missing: pip install "yt-dlp[default]"'),
    ]


def _sources() -> tuple[Rows, bool]:
    cache = Workspace.open("doctor").cache
    served = [sources.fetch_if_there(resource, cache) for resource in sources.RESOURCES]
    rows = [
        (
            answer.resource,
            f"missing: {resource.what}\n{resource.remedy}"
            if answer.kind == "missing"
            else answer.place,
        )
        for resource, answer in zip(sources.RESOURCES, served, strict=True)
    ]
    ratings = next(answer for answer in served if answer.resource == sources.ML_100K.name)
    return rows, ratings.kind != "missing"


def _encoders() -> Rows:
    try:
        # Slow to import, and among what may be missing.
        from mmrec.features import text
        from mmrec.features.media import audio, video
        from mmrec.features.media.weights import Download, Packaged, Status
    except ImportError as error:
        return [("all", f"cannot be loaded ({error})")]
    no_weights = Status(True, "needs no weights")
    wanted = settings.Settings.load(settings.REFERENCE)
    try:
        folder = text.model_folder(wanted.text_encoder)
        rows = [(wanted.text_encoder, f"verified, {folder.parent.name}")]
    except StudyError as error:
        rows = [(wanted.text_encoder, f"{error.what}\n{error.remedy}")]
    files: dict[str, Download | Packaged] = {**video.WEIGHTS, **audio.WEIGHTS}
    encoders: dict[str, Sequence[str]] = {
        "video": wanted.video_encoders,
        "audio": wanted.audio_encoders,
    }
    for modality, names in encoders.items():
        status = {n: files[n].status() if n in files else no_weights for n in names}
        rows += [(name, found.text) for name, found in status.items()]
        taken = next((name for name, found in status.items() if found.available), None)
        instead = "" if taken == names[0] else f", in place of {names[0]}"
        rows.append((modality, f"by {taken}{instead}" if taken else "by none of these"))
    return rows
