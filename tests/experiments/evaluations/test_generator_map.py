"""Maps from a generator's latents to codes: of a linear generator and autoencoder, and of unrelated ones."""

import jax
import jax.numpy as jnp
import numpy as np

from experiments.evaluations.codec import Codec
from experiments.evaluations.generator_map import generated_otherwise, generator_map_psnr

RNG = np.random.default_rng(0)
BASIS = jnp.asarray(np.linalg.qr(RNG.normal(size=(16, 3)))[0].T, jnp.float32)
SUPPORT, LATENTS = (jnp.asarray(RNG.normal(size=(count, 3)), jnp.float32) for count in (10, 50))
CODEC = Codec(lambda images: images.reshape(-1, 16) @ BASIS.T, lambda codes: (codes @ BASIS).reshape(-1, 4, 4, 1))


def generate(latents):
    """Images in the span of the autoencoder's, turned and shifted."""
    turned = latents @ jnp.asarray([[0.0, 0.2, 0.0], [0.1, 0.0, 0.0], [0.0, 0.1, 0.2]]) + 0.3
    return CODEC.decode(turned)


def test_a_linear_generator_is_mapped_exactly_by_a_few_images():
    shown = jax.jit(lambda: generated_otherwise(generate, CODEC, SUPPORT, LATENTS))()
    for name in ("autoencoder", "map"):
        np.testing.assert_allclose(shown[name], shown["generated"], atol=1e-5)
    assert np.ptp(shown["mean"], axis=0).max() == 0
    found = jax.jit(lambda: generator_map_psnr(generate, CODEC, SUPPORT, LATENTS))()
    assert found["map/psnr"] > 60 > 30 > found["mean/psnr"]


def test_where_codes_do_not_follow_the_latents_the_map_is_no_better_than_the_mean():
    def unrelated(latents):
        return CODEC.decode(jnp.abs(latents) % 0.13 * 4)

    found = jax.jit(lambda: generator_map_psnr(unrelated, CODEC, SUPPORT, LATENTS))()
    assert found["map/psnr"] < found["mean/psnr"] + 1
    assert found["autoencoder/psnr"] > 60
