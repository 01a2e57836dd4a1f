"""The matrix products of a step, for ``lectern bench products``: ``python -m experiments.bench.products WORK``.

No program that leaves its products to XLA takes less time than they do. Prints a JSON line as
``experiments.bench.convolution`` does; ``peers/products_torch.py`` does the same work.
"""

import jax
from jax import Array, lax

from experiments.bench.convolution import CHUNK, CHUNKS, main, rate
from experiments.bench.shapes import PRODUCTS, Product, Products

EQUATIONS = {"y": "ri,io->ro", "dx": "ro,io->ri", "dW": "ri,ro->io"}
SMALL = 1e-9


def operands_of(product: Product, key: Array) -> tuple[Array, Array]:
    """Noise for both sides."""
    sizes = {"r": product.rows, "i": product.inputs, "o": product.outputs}
    sides = EQUATIONS[product.of].split("->")[0].split(",")
    shapes = [tuple(sizes[axis] for axis in side) for side in sides]
    of_first, of_second = jax.random.split(key)
    return jax.random.normal(of_first, shapes[0]), jax.random.normal(of_second, shapes[1])


def multiply(product: Product, operands: tuple[Array, Array]) -> tuple[Array, Array]:
    """The product ``count`` times; one number of the first side waits for the product before."""

    def once(_: Array, operands: tuple[Array, Array]) -> tuple[Array, Array]:
        first, second = operands
        result = jax.numpy.einsum(EQUATIONS[product.of], first, second)
        return first.at[0, 0].add(SMALL * result[0, 0]), second

    return lax.fori_loop(0, product.count, once, operands)


def measure(work: Products) -> float:
    """Examples per second of steps that are these products, compilation and a first chunk excluded."""

    def step(_: Array, operands: tuple) -> tuple:
        return tuple(multiply(*each) for each in zip(work.products, operands, strict=True))

    chunk = jax.jit(lambda operands: lax.fori_loop(0, CHUNK, step, operands), donate_argnums=0)
    keys = jax.random.split(jax.random.key(0), len(work.products))
    operands = tuple(operands_of(*each) for each in zip(work.products, keys, strict=True))
    return rate(chunk, operands, CHUNKS * CHUNK * work.examples)


if __name__ == "__main__":
    main(PRODUCTS, measure)
