"""One convolution and its two gradients, for ``lectern bench layers``: ``python -m experiments.bench.layers LAYER``.

Descent on ‖y‖²/2 by images and kernel alike, so that nothing can leave the loop. Prints a JSON line as
``experiments.bench.convolution`` does; ``peers/layers_torch.py`` does the same work.
"""

from typing import NamedTuple

import jax
from jax import Array

from experiments.bench.convolution import CHUNKS, main, rate
from models.layers.conv import convolve

BATCH, STEPS, LEARNING_RATE = 128, 5, 1e-9


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
    "thin": Layer(32, 16, 16),
    "widening": Layer(14, 32, 64),
    "small": Layer(7, 64, 64),
    "wide": Layer(14, 128, 128),
    "strided": Layer(32, 16, 32, stride=2),
    "grouped": Layer(14, 64, 64, groups=4),
    "depthwise": Layer(14, 64, 64, groups=64),
    "pointwise": Layer(28, 64, 64, window=1),
}


def step(layer: Layer, operands: tuple[Array, Array]) -> tuple[Array, Array]:
    """Images and kernel a little further down."""
    padding = [(layer.window // 2, layer.window // 2)] * 2
    out, pull_back = jax.vjp(
        lambda *xs: convolve(*xs, stride=layer.stride, padding=padding, groups=layer.groups), *operands
    )
    return jax.tree.map(lambda value, slope: value - LEARNING_RATE * slope, operands, pull_back(out))


def operands_of(layer: Layer) -> tuple[Array, Array]:
    """Noise: the images [128, size, size, channels] and the kernel."""
    of_images, of_kernel = jax.random.split(jax.random.key(0))
    images = jax.random.normal(of_images, (BATCH, layer.size, layer.size, layer.channels))
    shape = (layer.window, layer.window, layer.channels // layer.groups, layer.features)
    return images, jax.random.normal(of_kernel, shape)


def measure(layer: Layer) -> float:
    """Examples per second inside a scan, compilation and a first chunk excluded."""
    chunk = jax.jit(lambda operands: jax.lax.fori_loop(0, STEPS, lambda _, now: step(layer, now), operands))
    return rate(chunk, operands_of(layer), CHUNKS * STEPS * BATCH)


if __name__ == "__main__":
    main(LAYERS, measure)
