"""From a generator's latents to an autoencoder's codes by a linear map, which a few generated images decide.

Lecture 003, section 4.5: "through linear maps, it is possible to pass from one latent space to another".
"""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Float

from experiments.evaluations.codec import Codec, Codes, Images
from experiments.evaluations.downstream import mean_psnr
from models.layers.linear_map import least_squares_map

MAPPED = ("autoencoder", "map", "mean")
"""What ``generated_otherwise`` shows beside the generated images."""


def generated_otherwise(
    generate: Callable[[Codes], Images], codec: Codec, support: Codes, latents: Codes
) -> dict[str, Images]:
    """What a generator makes of latents, and how else the same could be had.

    "autoencoder" is D(E(G(z))), the best that its decoder could do; "map" D(z A + b), where the map is that of least
    squares from the latents of the support set to the codes of what is generated from them; "mean" the decoded mean of
    these codes, which knows nothing of z.
    """
    codes, generated = codec.encode(generate(support)), generate(latents)
    mean = jnp.broadcast_to(codes.mean(axis=0), (len(latents), codes.shape[1]))
    return {
        "generated": generated,
        "autoencoder": codec.reconstruct(generated),
        "map": codec.decode(least_squares_map(support, codes)(latents)),
        "mean": codec.decode(mean),
    }


def generator_map_psnr(
    generate: Callable[[Codes], Images], codec: Codec, support: Codes, latents: Codes
) -> dict[str, Float[Array, ""]]:
    """PSNR of these to what is generated."""
    shown = generated_otherwise(generate, codec, support, latents)
    return {f"{name}/psnr": mean_psnr(shown["generated"], shown[name]) for name in MAPPED}
