"""How adversarial networks begin, against He's rule."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.networks.adversarial import Game
from models.layers.transposed_conv import convolve_transposed

NETWORKS = 100


@pytest.mark.parametrize(("inputs", "outputs"), [(64, 1), (8, 16)])
def test_transposed_kernels_keep_the_size_of_what_they_are_given(inputs, outputs):
    """Rectified normals become values of mean square 1, over many networks; by the kernel's layout 16, and 1/8."""

    def values(key):
        of_kernel, of_maps = jax.random.split(key)
        kernel = Game(latent=2).transposed_init(of_kernel, (4, 4, outputs, inputs))
        maps = jax.nn.relu(jax.random.normal(of_maps, (1, 6, 6, inputs)))
        return convolve_transposed(maps, kernel, stride=2, padding=((1, 1), (1, 1)))[0, 1:-1, 1:-1]

    found = jax.jit(jax.vmap(values))(jax.random.split(jax.random.key(0), NETWORKS))
    assert found.shape == (NETWORKS, 10, 10, outputs)
    np.testing.assert_allclose(jnp.mean(found**2), 1, rtol=0.1)
