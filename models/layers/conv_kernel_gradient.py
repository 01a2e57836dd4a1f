"""The products that the gradient of a convolution by its kernel is made of.

As in ``conv_products``, those for CPUs are chosen by shape when a program is lowered; accelerators keep XLA's own.
"""

from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
from jax import Array, lax

from models.layers.conv_products import WIDE_WINDOW, Geometry, are_divisible, blocks_of, pixels_met, xla_convolution


def kernel_gradient(geometry: Geometry, images: Array, kernel: Array, cotangent: Array) -> Array:
    """dw: the pixels that each place of the window meets, times the cotangent."""

    def by_xla(images: Array, kernel: Array, cotangent: Array) -> Array:
        return jax.vjp(lambda kernel: xla_convolution(geometry, images, kernel), kernel)[1](cotangent)[0]

    return lax.platform_dependent(images, kernel, cotangent, cpu=partial(_in_blocks, geometry), default=by_xla)


def _in_blocks(geometry: Geometry, images: Array, kernel: Array, cotangent: Array) -> Array:
    """Those of a block of images, which fits a cache, after the other."""
    if geometry.groups > 1:
        return _by_places(geometry, images, kernel, cotangent)
    patches = cotangent[0, ..., 0].size * kernel[..., 0].size
    form, blocks = _by_patches, blocks_of(images, patches)
    if _shifts_pay(geometry, kernel):
        form = _by_shifts
    elif _pairs_pay(geometry, images, kernel, cotangent):
        form, blocks = _by_pairs, blocks_of(images, patches // 2, fewest=2)
    of_block = partial(form, geometry, kernel.shape)
    size = images.shape[0] // blocks

    def add(total: Array, first: Array) -> tuple[Array, None]:
        # Cut inside the loop: batches reshaped to blocks beforehand are computed twice.
        block = (lax.dynamic_slice_in_dim(each, first, size) for each in (images, cotangent))
        return total + of_block(*block), None

    if blocks == 1:
        return of_block(images, cotangent)
    return lax.scan(add, jnp.zeros_like(kernel), jnp.arange(0, images.shape[0], size))[0]


def _by_places(geometry: Geometry, images: Array, kernel: Array, cotangent: Array) -> Array:
    """For each place of the window and each group [positions, channels]ᵀ × [positions, features]."""
    features = cotangent.reshape(-1, geometry.groups, kernel.shape[-1] // geometry.groups)
    met = pixels_met(geometry, images, kernel.shape[:-2], cotangent.shape[1:-1])
    grouped = (each.reshape(-1, geometry.groups, kernel.shape[-2]) for each in met)
    return jnp.stack([jnp.einsum("pgc,pgo->cgo", each, features) for each in grouped]).reshape(kernel.shape)


def _by_patches(geometry: Geometry, shape: Sequence[int], images: Array, cotangent: Array) -> Array:
    """[positions, features]ᵀ × [positions, places · channels]: one product, the small side first.

    XLA would exchange the sides of a product whose result is turned; with the large side first it takes up to twice as
    long.
    """
    patches = jnp.concatenate(pixels_met(geometry, images, shape[:-2], cotangent.shape[1:-1]), axis=-1)
    if patches.shape[-1] < cotangent.shape[-1]:
        return _transposed_product(patches, cotangent).reshape(shape)
    return lax.optimization_barrier(_transposed_product(cotangent, patches)).T.reshape(shape)


def _pairs_pay(geometry: Geometry, images: Array, kernel: Array, cotangent: Array) -> bool:
    plain = geometry.stride[-1] == geometry.dilation[-1] == 1
    even = cotangent.shape[-2] % 2 == 0 and are_divisible(images, 2)
    return plain and even and kernel.shape[-3] >= WIDE_WINDOW


def _by_pairs(geometry: Geometry, shape: Sequence[int], images: Array, cotangent: Array) -> Array:
    """Two columns of the cotangent as one with twice the features; the window is a column wider, and moves by two.

    That is (k + 1) / k of the multiplications, of half as many patches, with sides that fill a vector better. In blocks
    alone: XLA would compute what the cotangent comes from by the index of pairs.
    """
    *window, width, channels, features = shape
    *leading, columns, _ = cotangent.shape
    pairs = cotangent.reshape(*leading, columns // 2, 2 * features)
    by_two = geometry._replace(stride=(*geometry.stride[:-1], 2))
    both = _by_patches(by_two, (*window, width + 1, channels, 2 * features), images, pairs)
    left, right = jnp.split(both, 2, axis=-1)
    return left[..., :-1, :, :] + right[..., 1:, :, :]


def _shifts_pay(geometry: Geometry, kernel: Array) -> bool:
    *window, channels, features = kernel.shape
    plain = geometry.stride == geometry.dilation == (1, 1)
    return plain and window[0] > 1 and channels >= 16 and channels >= features


def _by_shifts(geometry: Geometry, shape: Sequence[int], images: Array, cotangent: Array) -> Array:
    """The window's columns from patches of the images, its rows from shifts of the cotangent.

        dw[i, j] = Σ_{n, r, q} x[n, r, q + j − p, ·] g[n, r − i + p', q, ·],   r over the rows of x

    So there are k + k copies, where patches alone are k².
    """
    height, width, channels, features = shape
    rows, columns = images.shape[1], cotangent.shape[2]
    (low, high), beside = geometry.padding
    across = pixels_met(geometry._replace(padding=((0, 0), beside)), images, (1, width), (rows, columns))
    turned = geometry._replace(padding=((height - 1 - low, height - 1 - high), (0, 0)))
    down = pixels_met(turned, cotangent, (height, 1), (rows, columns))[::-1]
    product = _transposed_product(jnp.concatenate(down, axis=-1), jnp.concatenate(across, axis=-1))
    return product.reshape(height, features, width, channels).transpose(0, 2, 3, 1)


def _transposed_product(left: Array, right: Array) -> Array:
    """Aᵀ B over all axes but the last."""
    return left.reshape(-1, left.shape[-1]).T @ right.reshape(-1, right.shape[-1])
