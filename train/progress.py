"""Progress of long work: a bar with rate and metrics on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Mapping

import numpy as np


def _describe(metrics: Mapping[str, np.ndarray]) -> str:
    return "  ".join(f"{name} {np.mean(value):.4g}" for name, value in metrics.items())


def _duration(seconds: float) -> str:
    """Hours, minutes and seconds, as a clock shows them: 0:07, 12:30, 1:05:00."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


class Progress:
    """Counts from ``start`` to ``total`` in ``unit``, on standard error; use it as a context manager.

    Where several processes train as one, only one of them has it ``shown``.
    """

    def __init__(
        self,
        label: str,
        start: int,
        total: int,
        *,
        unit: str = "steps",
        seconds_between_lines: float = 5.0,
        shown: bool = True,
    ):
        self.label, self.start, self.total, self.unit, self._shown = label, start, total, unit, shown
        self._between, self._last_line, self._pending, self._bar = seconds_between_lines, 0.0, "", None

    def __enter__(self) -> "Progress":
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        self._began = time.perf_counter()
        console = Console(stderr=True)
        if console.is_terminal and self._shown:
            self._bar = Bar(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[note]}", markup=False),
                console=console,
                redirect_stdout=False,
            )
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
        note = f"{f'{rate:,.0f}' if rate >= 10 else f'{rate:.2g}'} {self.unit}/s  {_describe(metrics)}".rstrip()
        if self._bar:
            self._bar.update(self._row, completed=done, note=note)
            return
        left = f"  {_duration((self.total - done) / rate)} left" if rate and done < self.total else ""
        self._pending = f"{self.label}  {done:,}/{self.total:,} {self.unit}  {note}{left}"
        if now - self._last_line > self._between or done == self.total:
            self._last_line = now
            self._print_pending()

    def _print_pending(self) -> None:
        if self._pending and self._shown:
            print(self._pending, file=sys.stderr, flush=True)
        self._pending = ""
