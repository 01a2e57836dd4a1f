"""The layers of ``lectern bench layers``."""

from typing import NamedTuple

BATCH = 128


class Layer(NamedTuple):
    """A square kernel on square images, padded to keep their size."""

    size: int
    channels: int
    features: int
    window: int = 3
    stride: int = 1
    groups: int = 1

    @property
    def title(self) -> str:
        """In words."""
        grouped = f", {self.groups} groups" if self.groups > 1 else ""
        strided = f", stride {self.stride}" if self.stride > 1 else ""
        return (
            f"one convolution {self.channels} → {self.features}, {self.window}×{self.window}{strided}{grouped}, on "
            f"{self.size}×{self.size}, batch {BATCH}: forward and both gradients"
        )


LAYERS = {
    "first": Layer(32, 3, 16),
    "thin": Layer(32, 16, 16),
    "widening": Layer(14, 32, 64),
    "small": Layer(7, 64, 64),
    "wide window": Layer(14, 20, 50, window=5),
    "wide": Layer(14, 128, 128),
    "strided": Layer(32, 16, 32, stride=2),
    "grouped": Layer(14, 64, 64, groups=4),
    "depthwise": Layer(14, 64, 64, groups=64),
    "pointwise": Layer(28, 64, 64, window=1),
}
