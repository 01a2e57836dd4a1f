"""Progress of long work: a bar with rate and metrics on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bar

MOST_METRICS = 8
"""That a line shows; ``metrics.jsonl`` has them all."""


def _describe(metrics: Mapping[str, np.ndarray]) -> str:
    """Those of the whole before those of its parts, whose names have a "/", and how many are left out."""
    shown = sorted(metrics, key=lambda name: name.count("/"))[:MOST_METRICS]
    said = [f"{name} {np.mean(metrics[name]):.4g}" for name in shown]
    more = len(metrics) - len(shown)
    return "  ".join([*said, *([f"and {more} more"] if more else [])])


def _counted(number: str, thing: str) -> str:
    return f"{number} {thing}" if number == "1" else f"{number} {thing}s"


def _duration(seconds: float) -> str:
    """Hours, minutes and seconds, as a clock shows them: 0:07, 12:30, 1:05:00."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _bar(console: "Console") -> "Bar":
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    return Bar(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False),
        console=console,
        redirect_stdout=False,
    )


class Progress:
    """Counts each ``thing`` from ``start`` to ``total``, on standard error; use it as a context manager.

    Where several processes train as one, only one of them has it ``shown``.
    """

    def __init__(
        self,
        label: str,
        start: int,
        total: int,
        *,
        thing: str = "step",
        seconds_between_lines: float = 5.0,
        shown: bool = True,
    ):
        self.label, self.start, self.total, self.thing, self._shown = label, start, total, thing, shown
        self._between, self._last_line, self._pending, self._bar = seconds_between_lines, 0.0, "", None

    def __enter__(self) -> "Progress":
        from rich.console import Console

        self._began = time.perf_counter()
        console = Console(stderr=True)
        if console.is_terminal and self._shown:
            self._bar = _bar(console)
            self._bar.start()
            self._row = self._bar.add_task(self.label, total=self.total, completed=self.start, note="")
        return self

    def __exit__(self, *_) -> None:
        if self._bar:
            self._bar.stop()
        self._print_pending()

    def update(self, done: int, metrics: Mapping[str, np.ndarray]) -> None:
        """Shows that ``done`` of the total are finished, with the metrics averaged over seeds."""
        now = time.perf_counter()
        rate = (done - self.start) / max(now - self._began, 1e-9)
        speed = _counted(f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}", self.thing) + "/s" if rate else ""
        note = "  ".join(filter(None, (speed, _describe(metrics))))
        if self._bar:
            self._bar.update(self._row, completed=done, note=note)
            return
        left = f"  {_duration((self.total - done) / rate)} left" if rate and done < self.total else ""
        of_total = f"{done:,}/{_counted(f'{self.total:,}', self.thing)}"
        self._pending = "  ".join(filter(None, (self.label, of_total, note))) + left
        if now - self._last_line > self._between or done == self.total:
            self._last_line = now
            self._print_pending()

    def _print_pending(self) -> None:
        if self._pending and self._shown:
            print(self._pending, file=sys.stderr, flush=True)
        self._pending = ""
