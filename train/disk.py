"""A full disk: told apart from other errors, and appending to files so that it leaves nothing torn."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FULL = tuple(os.strerror(number) for number in (errno.ENOSPC, errno.EDQUOT))
_UNUSABLE = tuple(os.strerror(number) for number in (errno.ENOENT, errno.EROFS, errno.EACCES, errno.EIO, errno.ESTALE))


class DiskFull(Exception):
    """The disk of ``folder`` is full, or its quota is used up; ``newest`` is the newest checkpoint where one is known.

    What was on the disk is intact: with space freed the run can be resumed.
    """

    def __init__(self, folder: Path, newest: int | None = None):
        kept = "" if newest is None else f"; the newest checkpoint is of step {newest}"
        super().__init__(f"the disk of {folder} is full{kept}: free space, then resume")
        self.folder, self.newest = folder, newest


def is_full(error: BaseException) -> bool:
    """Whether ``error`` means a full disk; TensorStore has no type for it, only the system's words."""
    return any(words in str(error) for words in _FULL)


def unusable(folder: Path, error: BaseException) -> str | None:
    """The system's words where ``error`` says that ``folder`` is gone, read-only or out of reach."""
    said = str(error)
    return next((words for words in _UNUSABLE if words in said and str(folder) in said), None)


@contextmanager
def named_when_full(folder: Path) -> Iterator[None]:
    """Turns the errors of a full disk into ``DiskFull``."""
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise DiskFull(folder) from error
        raise


def append(path: Path, content: bytes) -> None:
    """Appends all of ``content`` or, where that fails, nothing; it has left this process when this returns."""
    with path.open("ab", buffering=0) as file:
        before = file.seek(0, os.SEEK_END)
        try:
            while content:
                content = content[file.write(content) :]
        except OSError:
            file.truncate(before)
            raise
