"""Profiles: how large a run is. One file each in ``profiles/``, keyed by notebook parameter."""

from pathlib import Path

import yaml

from mmrec.errors import StudyError
from mmrec.workspace import PROJECT

FOLDER = PROJECT / "profiles"
REFERENCE = "paper"


def names(folder: Path = FOLDER) -> list[str]:
    """Names of the profiles there are."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def load(name: str, folder: Path = FOLDER) -> dict:
    """Reads a profile.

    Args:
        name: File name without ``.yaml``.
        folder: Where the profiles lie.

    Returns:
        Every notebook parameter and its value.

    Raises:
        StudyError: If there is no such profile, it cannot be read, a key is unknown or missing, or
            its ``profile`` is not its name. Known are the keys of the profile ``paper``.
    """
    path = folder / f"{name}.yaml"
    if name not in names(folder):
        choices = ", ".join(names(folder))
        raise StudyError(f"no profile {name!r}", where=folder, remedy=f"There are: {choices}.")
    values = _read(path)
    known = _read(folder / f"{REFERENCE}.yaml")
    if unknown := sorted(values.keys() - known.keys()):
        raise StudyError(
            f"unknown parameter {unknown[0]!r}",
            where=path,
            remedy=f"The parameters are: {', '.join(known)}.",
        )
    if missing := [key for key in known if key not in values]:
        raise StudyError(
            f"parameter {missing[0]!r} is missing",
            where=path,
            remedy=f"Copy its line from {REFERENCE}.yaml.",
        )
    if values["profile"] != name:
        raise StudyError(
            f"profile is {values['profile']!r}", where=path, remedy=f"Write `profile: {name}`."
        )
    return values


def _read(path: Path) -> dict:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise StudyError(
            f"cannot be read ({reason})", where=path, remedy="Mend it, or copy another profile."
        ) from error
    if not isinstance(values, dict):
        raise StudyError(
            "holds no parameters", where=path, remedy="Write one `name: value` on each line."
        )
    return values
