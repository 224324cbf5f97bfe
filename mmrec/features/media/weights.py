"""Weights of pre-trained encoders: fetched through torch hub, verified by their hash."""

import hashlib
import http.client
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from mmrec.errors import StudyError

_TIMEOUT_SECONDS = 10.0


def from_hub(url: str) -> Path:
    """The verified file of weights in torch hub's folder, downloaded if it is not there yet.

    Args:
        url: Address whose file name ends in the first digits of the file's SHA-256, as torch hub
            has it (``resnet50-0676ba61.pth``).

    Raises:
        StudyError: If the file cannot be had, or is not the one its name promises.
    """
    path = Path(torch.hub.get_dir()) / "checkpoints" / url.rsplit("/", 1)[1]
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with _timeout(_TIMEOUT_SECONDS):
                torch.hub.download_url_to_file(url, str(path), _digits(path), progress=False)
        except (OSError, RuntimeError, http.client.HTTPException) as error:
            raise StudyError(
                f"the weights cannot be had ({getattr(error, 'reason', None) or error})",
                where=url,
                remedy=f"Connect, put the file at {path}, or name another encoder.",
            ) from error
    return verified(path)


def verified(path: Path) -> Path:
    """The path itself, once the file's SHA-256 begins as its name says.

    Raises:
        StudyError: If it does not, or there is no such file.
    """
    remedy = "Delete the file and install or download it again."
    if not path.exists():
        raise StudyError("there are no such weights", where=path, remedy=remedy)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if not digest.startswith(_digits(path)):
        raise StudyError(f"wrong content, SHA-256 {digest[:16]}…", where=path, remedy=remedy)
    return path


def _digits(path: Path) -> str:
    return re.fullmatch(r".*-([0-9a-f]{8,})\.pth", path.name).group(1)


@contextmanager
def _timeout(seconds: float) -> Iterator[None]:
    """A time-out for connections that, like torch hub's, are opened without one."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
