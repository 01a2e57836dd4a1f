"""A command run to its end, with what it took of time and memory."""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import IO, NamedTuple


class Finished(NamedTuple):
    """What is known of a process that has ended."""

    status: int
    """0 where it succeeded, below 0 where a signal ended it"""
    seconds: float
    """of wall time"""
    cpu_seconds: float
    """of all cores, the system's work for it included"""
    megabytes: float
    """the most memory that it held"""


def finished(command: Sequence[str], environment: Mapping[str, str], output: IO, errors: IO) -> Finished:
    """Runs a command whose output and errors go to these files."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=output, stderr=errors, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    return Finished(process.returncode, seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
