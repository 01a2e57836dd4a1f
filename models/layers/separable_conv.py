"""The depthwise-separable convolution: over space, channel by channel; then over channels, pixel by pixel."""

from collections.abc import Sequence

from jaxtyping import Array, Float

from models.layers.conv import convolve
from models.layers.spatial_options import Padding


def convolve_separable(
    images: Float[Array, "batch *space channels"],
    depthwise: Float[Array, "*window 1 filtered"],
    pointwise: Float[Array, "filtered features"],
    *,
    stride: int | Sequence[int] = 1,
    padding: Padding = "VALID",
    dilation: int | Sequence[int] = 1,
) -> Float[Array, "batch *positions features"]:
    """A convolution of every channel, and a matrix that mixes the results.

        y[n, i, o] = Σ_c (Σ_k x[n, stride·i + dilation·k − p_low, c] d[k, c]) p[c, o]

    So it is the convolution whose kernel is d[k, c] p[c, o]: of every feature's window of a channel only the size is
    free. Where ``filtered`` is a multiple of the channels, each is filtered that many times, neighbours first. There is
    no bias and nothing between the two. Arguments and errors as of ``models.layers.conv.convolve``.

    Lecture 003, section 3.4; Sifre & Mallat 2014; Howard et al. 2017 (MobileNets), section 3.1.
    """
    filtered = convolve(images, depthwise, stride=stride, padding=padding, dilation=dilation, groups=images.shape[-1])
    return filtered @ pointwise
