"""Weights of pre-trained encoders: files that are pinned by their SHA-256."""

import errno
from dataclasses import dataclass
from pathlib import Path

import torch

from mmrec.catalogue import locations
from mmrec.errors import LocalError, StudyError

_REMEDY = "Delete the file and install or download it again."


@dataclass(frozen=True)
class Status:
    """Whether weights are or could be made available, and a line about them."""

    available: bool
    text: str


@dataclass(frozen=True)
class Download:
    """Weights at an address, kept in torch hub's folder, where torchvision keeps its own.

    Attributes:
        url: The address.
        sha256: Of the file, 64 hexadecimal digits.
    """

    url: str
    sha256: str

    @property
    def kept(self) -> Path:
        """Where the file is, or will be."""
        return Path(torch.hub.get_dir()) / "checkpoints" / self.url.rsplit("/", 1)[1]

    def path(self) -> Path:
        """The verified file, downloaded if it is not there yet.

        Raises:
            LocalError: If the disk is full.
            StudyError: If the file is not available, or has another content.
        """
        if self.kept.exists():
            return verified(self.kept, self.sha256)
        remedy = f"Connect, put the file at {self.kept}, or name another encoder."
        try:
            return locations.download(self.url, self.kept.parent, f"sha256:{self.sha256}")
        except (locations.Absent, StudyError) as error:
            raise StudyError(
                f"the weights are not available ({getattr(error, 'what', error)})",
                where=self.url,
                remedy=remedy,
            ) from error
        except LocalError as error:
            # A home folder that may not be written, as in many containers, is no broken computer.
            if getattr(error.__cause__, "errno", None) in (errno.EACCES, errno.EPERM, errno.EROFS):
                raise StudyError(
                    f"the weights are not available ({self.kept.parent} may not be written)",
                    where=self.url,
                    remedy=f"Set TORCH_HOME to a folder of yours. {remedy}",
                ) from error
            raise

    def status(self) -> Status:
        """Finds out about the file, without downloading it."""
        try:
            if self.kept.exists():
                return Status(True, f"verified, {verified(self.kept, self.sha256)}")
            locations.check_reachable(self.url)
        except locations.Absent as error:
            return Status(False, f"not here, and not to be downloaded ({error}): {self.kept}")
        except StudyError as error:
            return Status(False, f"{error.what}: {error.where}")
        return Status(True, f"not here; downloaded when first used, to {self.kept.parent}")


@dataclass(frozen=True)
class Packaged:
    """Weights that are part of an installed package.

    Attributes:
        file: Where they are.
        sha256: Of the file, 64 hexadecimal digits.
    """

    file: Path
    sha256: str

    def path(self) -> Path:
        """The verified file.

        Raises:
            StudyError: If it is not there, or has another content.
        """
        return verified(self.file, self.sha256)

    def status(self) -> Status:
        """Finds out about the file."""
        try:
            return Status(True, f"verified, {self.path().name}")
        except StudyError as error:
            return Status(False, f"{error.what}: {error.where}")


def verified(path: Path, sha256: str) -> Path:
    """The path itself, once the file's SHA-256 is the one given.

    Raises:
        StudyError: If it is not, or there is no such file.
    """
    if not path.exists():
        raise StudyError("there are no such weights", where=path, remedy=_REMEDY)
    digest = locations.sha256(path)
    if digest != sha256:
        raise StudyError(f"wrong content, SHA-256 {digest[:16]}…", where=path, remedy=_REMEDY)
    return path
