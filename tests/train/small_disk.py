"""Small disks that really fill up, without the rights of root where the system lets users have namespaces."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PAGE = 4096


class NotPermitted(Exception):
    """This system lets us mount nothing; the message is its own."""


class Disk:
    """``fill`` takes its space, ``fill_with_files`` its files; ``free`` gives all of that back."""

    def __init__(self, path: Path):
        self.path, self._ballast = path, path / "ballast"

    def fill(self, pages_left: int = 0) -> None:
        self._ballast.mkdir()
        there = os.statvfs(self.path)
        (self._ballast / "0").write_bytes(bytes(there.f_bavail * there.f_frsize - pages_left * PAGE))

    def fill_with_files(self, files_left: int = 0) -> None:
        self._ballast.mkdir()
        for number in range(os.statvfs(self.path).f_ffree - files_left):
            (self._ballast / str(number)).touch()

    def free(self) -> None:
        shutil.rmtree(self._ballast)


@contextmanager
def mount(folder: Path, options: str) -> Iterator[Disk]:
    """A disk by tmpfs's options; it lives in the namespace of another process, and ends with it, however we end."""
    folder.mkdir()
    hold = f"mount -t tmpfs -o {options} none '{folder}' && echo mounted && read line"
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", hold]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    try:
        holder = subprocess.Popen(command, text=True, **pipes)
    except FileNotFoundError as error:
        raise NotPermitted(f"no disk can be mounted here: {error}") from error
    try:
        if holder.stdout.readline() != "mounted\n":
            raise NotPermitted(f"no disk can be mounted here: {holder.stderr.read().strip()}")
        yield Disk(Path(f"/proc/{holder.pid}/root{folder}"))
    finally:
        holder.communicate()
