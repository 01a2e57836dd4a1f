import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from losses.metrics.energy_score import energy_score

RNG = np.random.default_rng(0)


def test_its_mean_is_half_of_scipys_squared_energy_distance_and_a_constant(float64):
    """D² = 2 E‖x − y‖ − E‖x − x'‖ − E‖y − y'‖; SciPy's means take each pair of one sample with itself, too."""
    x, y = RNG.normal(size=60), RNG.normal(0.5, 2.0, size=40)
    scores = jax.vmap(energy_score, (None, 0))(jnp.asarray(y)[:, None], jnp.asarray(x)[:, None])
    of_x, of_y = (np.abs(each[:, None] - each).mean() for each in (x, y))
    expected = (scipy.stats.energy_distance(x, y) ** 2 + of_x + of_y) / 2 - of_y / 2 * 40 / 39
    np.testing.assert_allclose(scores.mean(), expected, rtol=1e-10)


def test_the_score_of_a_gaussian_is_its_closed_form():
    """Gneiting & Raftery 2007, equation 21, within three standard errors of the draws."""
    draws = RNG.normal(1.0, 2.0, size=2000).astype(np.float32)
    z = (0.3 - 1.0) / 2.0
    closed = 2.0 * (z * (2 * scipy.stats.norm.cdf(z) - 1) + 2 * scipy.stats.norm.pdf(z) - 1 / np.sqrt(np.pi))
    found = energy_score(jnp.asarray(draws)[:, None], jnp.array([0.3]))
    assert abs(found - closed) < 3 * 2.0 / np.sqrt(2000)


def test_half_of_the_modes_score_worse_than_all():
    modes = jnp.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    whole, half = (
        jax.vmap(energy_score, (None, 0))(jnp.repeat(kept, 50, axis=0), modes).mean() for kept in (modes, modes[:2])
    )
    assert whole < half
    with pytest.raises(ValueError, match="at least 2 draws, got 1"):
        energy_score(modes[:1], modes[0])
