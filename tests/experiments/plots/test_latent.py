from statistics import NormalDist

import jax.numpy as jnp
import numpy as np

from experiments.plots.latent import latent_plane, most_used
from models.vae import Gaussian


def test_the_most_used_dimensions_have_the_greatest_divergence():
    mean = jnp.zeros((50, 4)).at[:, 2].set(jnp.linspace(-2, 2, 50)).at[:, 0].set(0.1)
    log_variance = jnp.zeros((50, 4)).at[:, 1].set(-1.0).at[:, 2].set(-3.0)
    assert most_used(Gaussian(mean, log_variance)).tolist() == [2, 1]
    assert most_used(Gaussian(mean[:, :1], log_variance[:, :1])).tolist() == [0, 0]


def test_the_plane_has_equal_prior_mass_between_its_points():
    """Rows move the first dimension, columns the second, the others stay 0."""
    shown = np.asarray(latent_plane(3, 2, 0, side=5))
    quantiles = [NormalDist().cdf(float(value)) for value in shown[:, 0, 2]]
    np.testing.assert_allclose(quantiles, [0.1, 0.3, 0.5, 0.7, 0.9], atol=1e-6)
    np.testing.assert_array_equal(shown[:, 0, 2], shown[0, :, 0])
    np.testing.assert_array_equal(shown[:, :, 1], 0)
    assert (shown[:, :, 2] == shown[:, :1, 2]).all()
