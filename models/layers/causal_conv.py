"""Convolution along time that sees no later place."""

from jaxtyping import Array, Float

from models.layers.conv import convolve


def convolve_causal(
    sequences: Float[Array, "batch time channels"],
    kernel: Float[Array, "window channels features"],
    *,
    dilation: int = 1,
) -> Float[Array, "batch time features"]:
    """A weighted sum of what stands at a place and ``dilation`` · 1, 2, … places before it; zero before the first.

        y[n, t, o] = Σ_k Σ_c x[n, t − dilation·(K − 1 − k), c] w[k, c, o]

    Waibel et al. 1989; with dilation van den Oord et al. 2016, section 2.1.
    """
    before = dilation * (kernel.shape[0] - 1)
    return convolve(sequences, kernel, padding=((before, 0),), dilation=dilation)
