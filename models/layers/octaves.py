"""An image at several sizes, from small to large, and what each size adds to those before it."""

from collections.abc import Sequence

import jax
from jaxtyping import Array, Float

Image = Float[Array, "_ _ channels"]


def octave_sizes(size: tuple[int, int], *, octaves: int, scale: float) -> list[tuple[int, int]]:
    """Height and width of each octave, the last of which is ``size``.

        round(size · scale^{k − octaves}),   k = 1 … octaves

    ``ValueError`` where there is none, the scale is below 1, or nothing is left of the smallest. Mordvintsev et al.
    2015.
    """
    if octaves < 1 or scale < 1:
        raise ValueError(f"expected one octave or more, each larger than the one before, got {octaves} of {scale:g}")
    height, width = size
    sizes = [(round(height * scale**-k), round(width * scale**-k)) for k in reversed(range(octaves))]
    if min(sizes[0]) < 1:
        raise ValueError(f"nothing is left of {height} × {width} pixels after {octaves - 1} steps of 1/{scale:g}")
    return sizes


def resized(image: Float[Array, "rows columns channels"], *, size: tuple[int, int]) -> Image:
    """The image with another height and width: linear between pixels, and smoothed before it becomes smaller.

    An even image stays even, and an image of its own size as it is. Burt & Adelson 1983, on why it is smoothed.
    """
    return jax.image.resize(image, (*size, image.shape[-1]), "linear")


def lost_details(image: Float[Array, "height width channels"], *, size: tuple[int, int]) -> Image:
    """What an image loses by being stored at another size.

    d = x − up(down(x)),   so that  x = up(down(x)) + d

    Burt & Adelson 1983, whose Laplacian pyramid is made of it.
    """
    return image - resized(resized(image, size=size), size=image.shape[:2])


def accumulated(own: Sequence[Image]) -> list[Image]:
    """Of each octave all that it has, from what it adds itself to the octaves before.

        d₁ = u₁,   d_k = u_k + up(d_{k−1})

    An octave that adds nothing yet begins with the details of the one before: what deep dreams carry from octave to
    octave. Mordvintsev et al. 2015; Burt & Adelson 1983, whose pyramid it is.
    """
    details = [own[0]]
    for added in own[1:]:
        details.append(added + resized(details[-1], size=added.shape[:2]))
    return details
