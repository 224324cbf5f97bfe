"""The two errors a reader of the study ever needs to act on."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager


class Problem(Exception):
    """A problem told in one line: what is wrong, where, and what to do.

    Args:
        what: What is wrong, e.g. ``"rating 7 is outside 1-5"``.
        where: The file and, where there is one, the row or the key.
        remedy: What the reader can do about it.
    """

    def __init__(self, what: str, *, where: object, remedy: str):
        self.what, self.where, self.remedy = what, str(where), remedy
        super().__init__(f"{where}: {what}. {remedy}")

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.what, self.where, self.remedy)


class StudyError(Problem):
    """Something given to the study cannot be used, or something it needs is not available."""


class LocalError(Problem):
    """This computer failed: its disk is full, a folder may not be written, a device is broken.

    Such a failure says nothing about what was asked for. Code that can do without something
    catches `StudyError`, so that a full disk is never taken for a source that does not exist.
    """


_FULL = {errno.ENOSPC, errno.EDQUOT}
_LOCAL = _FULL | {
    errno.EACCES,
    errno.EBUSY,
    errno.EEXIST,
    errno.EFBIG,
    errno.EIO,
    errno.EISDIR,
    errno.ELOOP,
    errno.EMFILE,
    errno.ENAMETOOLONG,
    errno.ENFILE,
    errno.ENODEV,
    errno.ENOMEM,
    errno.ENOTDIR,
    errno.ENXIO,
    errno.EPERM,
    errno.EROFS,
    errno.ESTALE,
    errno.ETXTBSY,
}


def is_local(number: int | None) -> bool:
    """Whether an ``errno`` tells of this computer's disk and devices, not of the network.

    That a file does not exist is no failure.
    """
    return number in _LOCAL


def local_error(number: int | None, reason: str, *, where: object) -> LocalError:
    """The `LocalError` for an ``errno``, with a remedy that fits it."""
    if number in _FULL:
        remedy = "Free some space and run the same command: finished work is kept."
        return LocalError("the disk is full", where=where, remedy=remedy)
    remedy = "Check its permissions and its disk, and run the same command: finished work is kept."
    return LocalError(f"cannot be used ({reason})", where=where, remedy=remedy)


@contextmanager
def local_failures(where: object) -> Iterator[None]:
    """Turns an ``OSError`` of this computer's own into a `LocalError`; other errors pass.

    Args:
        where: Named in the message if the error itself names no file.

    Raises:
        LocalError: If the block fails for a full disk, a missing permission or a broken device.
    """
    try:
        yield
    except OSError as error:
        if not is_local(error.errno):
            raise
        raise local_error(
            error.errno, error.strerror or str(error), where=error.filename or where
        ) from error


def _rebuild(kind: type[Problem], what: str, where: str, remedy: str) -> Problem:
    return kind(what, where=where, remedy=remedy)
