"""SIGTERM and SIGINT: noted when they come, answered when everything is in order."""

import signal
from types import FrameType

from train.processes import agree


class Interrupted(Exception):
    """A signal asked to stop; everything up to ``step`` is saved."""

    def __init__(self, signal_number: int, step: int):
        super().__init__(f"stopped by {signal.Signals(signal_number).name} at step {step}, saved")
        self.signal_number, self.step = signal_number, step


class Signals:
    """Notes SIGTERM and SIGINT instead of dying of them; use it as a context manager.

    A second SIGINT is not waited with: it raises ``KeyboardInterrupt`` on the spot.
    """

    _NUMBERS = (signal.SIGTERM, signal.SIGINT)

    def __init__(self) -> None:
        self._received = 0

    def __enter__(self) -> "Signals":
        self._before = [signal.signal(number, self._note) for number in self._NUMBERS]
        return self

    def __exit__(self, *_) -> None:
        for number, handler in zip(self._NUMBERS, self._before, strict=True):
            signal.signal(number, handler)

    def _note(self, number: int, _: FrameType | None) -> None:
        if number == signal.SIGINT and self._received == signal.SIGINT:
            raise KeyboardInterrupt
        self._received = number

    def agreed(self) -> int:
        """The signal that any of the processes has received, 0 for none; every process must call it."""
        return agree(self._received)

    def check(self, step: int) -> None:
        """Raises ``Interrupted`` where a signal has come; for work after ``step`` was saved."""
        if number := self.agreed():
            raise Interrupted(number, step)
