"""What is maximised to see what a net, a layer or a unit is for."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def unit_activation(features: Float[Array, "rows columns channels"], channel: Int[Array, ""]) -> Float[Array, ""]:
    """The unit of one filter that stands in the middle of its map.

        a[⌊H/2⌋, ⌊W/2⌋, c]

    Erhan et al. 2009, section 3; Lecture 003, section 3.9.1, "Image ascent approach".
    """
    rows, columns, _ = features.shape
    return features[rows // 2, columns // 2, channel]


def filter_activation(features: Float[Array, "rows columns channels"], channel: Int[Array, ""]) -> Float[Array, ""]:
    """The mean of one filter's map.

        1/HW Σ_ij a[i, j, c]

    Erhan et al. 2009; Lecture 003, section 3.9.2, "Deep dream", on a neuron wherever it stands.
    """
    return jnp.mean(features[..., channel])


def layer_activation(features: Float[Array, "rows columns channels"]) -> Float[Array, ""]:
    """Half the mean square of a layer, whose gradient pulls each unit the further the more it is active already.

        1/2HWC Σ_ijc a²,   with the gradient a / HWC

    So an image is given more of whatever the layer sees in it. Mordvintsev et al. 2015 (there the sum); Lecture 003,
    section 3.9.2, "Content enhancing".
    """
    return 0.5 * jnp.mean(features**2)
