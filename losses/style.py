"""What two pictures have in common as a network sees them: content by its feature maps, style by their correlations.

Gatys et al. 2016, "Image style transfer using convolutional neural networks"; Johnson et al. 2016, "Perceptual losses
for real-time style transfer and super-resolution". Lecture 003, "Style transfer".
"""

from typing import Literal

import jax.numpy as jnp
from jaxtyping import Array, Float

Constants = Literal["gatys", "johnson", "lecture"]
"""Whose constants stand before the sums."""


def gram_matrix(features: Float[Array, "*positions channels"]) -> Float[Array, "channels channels"]:
    """How alike the channels of feature maps are, wherever in the picture: the mean over positions of their products.

        G_ij / M,   G_ij = Σ_k F_ik F_jk,   M positions k

    G is the paper's matrix; divided by M it is as large for small pictures as for large ones. Positions may stand in
    any order. Gatys et al. 2016, equation 3.
    """
    flat = features.reshape(-1, features.shape[-1])
    return flat.T @ flat / len(flat)


def content_error(
    features: Float[Array, "*positions channels"],
    target: Float[Array, "*positions channels"],
    *,
    constants: Constants = "gatys",
) -> Float[Array, ""]:
    """How far a layer's feature maps F are from those of the content, P.

        gatys     ½ Σ_ik (F_ik − P_ik)²          Gatys et al. 2016, equation 1
        johnson   1/(N M) Σ_ik (F_ik − P_ik)²    Johnson et al. 2016, equation 2
        lecture   Σ_ik (F_ik − P_ik)²            Lecture 003

    with N channels of M positions. 0 for the content itself.
    """
    factor = {"gatys": 0.5, "johnson": 1 / features.size, "lecture": 1.0}[constants]
    return factor * jnp.sum((features - target) ** 2)


def style_error(
    features: Float[Array, "*positions channels"],
    target: Float[Array, "channels channels"],
    *,
    constants: Constants = "gatys",
) -> Float[Array, ""]:
    """How far the Gram matrix G of a layer's feature maps is from that of the style, A.

        gatys     1/(4 N² M²) Σ_ij (G_ij − A_ij)²    Gatys et al. 2016, equation 4
        johnson   1/(N² M²) Σ_ij (G_ij − A_ij)²      Johnson et al. 2016, section 3.2
        lecture   Σ_ij (G_ij − A_ij)²                Lecture 003

    with N channels of M positions. ``target`` is the ``gram_matrix`` of the style, A/M for a style of M positions too;
    one of another size is compared by its mean over positions, as in Johnson et al. 0 for the style itself.
    """
    positions, channels = features.size // features.shape[-1], features.shape[-1]
    factor = {"gatys": 0.25 / channels**2, "johnson": 1 / channels**2, "lecture": float(positions**2)}[constants]
    return factor * jnp.sum((gram_matrix(features) - target) ** 2)
