"""One convolution and its two gradients, for ``lectern bench layers``: ``python -m experiments.bench.layers LAYER``.

Descent on ‖y‖²/2 by images and kernel alike, so that nothing can leave the loop. Prints a JSON line as
``experiments.bench.convolution`` does; ``peers/layers_torch.py`` does the same work.
"""

import jax
from jax import Array

from experiments.bench.convolution import CHUNKS, main, rate
from experiments.bench.shapes import BATCH, LAYERS, Layer
from models.layers.conv import convolve

STEPS, LEARNING_RATE = 5, 1e-9


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
