"""An untrained decoder's meshes are near the mean; leading axes do not matter; the encoder is the dense layers."""

import jax
import jax.numpy as jnp
import numpy as np

from models.mesh_vae import MeshVAE

NET = MeshVAE(vertices=5, latent=2, widths=(6,))
PARAMS = NET.init(jax.random.key(0), jnp.zeros((1, 5, 3)))
GIVEN = jax.random.normal(jax.random.key(1), (2, 3, 5, 3))


def test_the_posterior_is_that_of_one_hidden_layer():
    found = NET.apply(PARAMS, GIVEN, method="encode")
    layers = PARAMS["params"]
    before = GIVEN.reshape(6, 15) @ layers["encoder"]["Dense_0"]["kernel"] + layers["encoder"]["Dense_0"]["bias"]
    out = before / (1 + np.exp(-before)) @ layers["head"]["Dense_0"]["kernel"] + layers["head"]["Dense_0"]["bias"]
    np.testing.assert_allclose(found.mean.reshape(6, 2), out[:, :2], rtol=1e-4, atol=1e-5)


def test_decoding_takes_any_leading_axes_and_starts_near_the_mean():
    latents = jax.random.normal(jax.random.key(2), (2, 3, 2))
    meshes = NET.apply(PARAMS, latents, method="decode")
    assert meshes.shape == (2, 3, 5, 3)
    np.testing.assert_allclose(meshes[1, 2], NET.apply(PARAMS, latents[1, 2], method="decode"), rtol=1e-5, atol=1e-6)
    assert jnp.abs(meshes).max() < 0.5
    np.testing.assert_array_equal(
        NET.apply(PARAMS, GIVEN), NET.apply(PARAMS, NET.apply(PARAMS, GIVEN, method="encode").mean, method="decode")
    )
