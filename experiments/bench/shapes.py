"""The layers of ``lectern bench layers`` and the products of ``lectern bench products``."""

from typing import Literal, NamedTuple

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


class Product(NamedTuple):
    """A matrix product of a dense layer y = x W, x of [rows, inputs] and W of [inputs, outputs], ``count`` times."""

    of: Literal["y", "dx", "dW"]
    """x W, δy Wᵀ or xᵀ δy"""
    count: int
    rows: int
    inputs: int
    outputs: int


class Products(NamedTuple):
    """The products of one step of training on ``examples``."""

    title: str
    unit: str
    examples: int
    products: tuple[Product, ...]


def _dense(count: int, rows: int, inputs: int, outputs: int) -> tuple[Product, ...]:
    """What a step asks of ``count`` dense layers."""
    return tuple(Product(of, count, rows, inputs, outputs) for of in ("y", "dx", "dW"))


PRODUCTS = {
    "lstm": Products(
        "the products alone of the LSTM 32 → 128 over 100 places, batch 64",
        "examples/s",
        64,
        (
            Product("y", 1, 6400, 32, 512),
            Product("dW", 1, 6400, 32, 512),
            Product("y", 100, 64, 128, 512),
            Product("dx", 100, 64, 128, 512),
            Product("dW", 1, 6400, 128, 512),
        ),
    ),
    "gpt": Products(
        "the products alone of the dense layers of the GPT of 4 blocks of width 128, context 64, batch 12",
        "windows/s",
        12,
        (
            *_dense(4, 768, 128, 384),
            *_dense(4, 768, 128, 128),
            *_dense(4, 768, 128, 512),
            *_dense(4, 768, 512, 128),
            *_dense(1, 768, 128, 65),
        ),
    ),
}
