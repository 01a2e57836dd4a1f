import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case

from models.layers.signal_ratios import (
    cosine_signal_ratios,
    linear_signal_ratios,
    log_signal_to_noise,
    noise_angle,
    noise_deviation,
    ratio_of_deviation,
    ratio_of_log,
)

BETWEEN = Case(lambda rng: (rng.uniform(0.05, 0.95, 3),))
CASES = {
    log_signal_to_noise: BETWEEN,
    noise_angle: BETWEEN,
    noise_deviation: BETWEEN,
}


def test_the_linear_schedule_is_the_product(float64):
    expected = np.cumprod(1 - np.linspace(1e-4, 0.02, 1000))
    found = linear_signal_ratios(steps=1000)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert float(found[-1]) == pytest.approx(4.0358e-5, rel=1e-4)  # as Ho et al. 2020 have it: L_T is nearly nothing
    np.testing.assert_allclose(np.log(linear_signal_ratios(steps=250)[-1]), np.log(found[-1]), rtol=0.03)
    with pytest.raises(ValueError, match=r"20 steps make variances from 0\.005 to 1"):
        linear_signal_ratios(steps=20)


def test_the_cosine_schedule_is_the_formula_but_where_it_is_bounded(float64):
    time = np.arange(1, 1001) / 1000
    squared = np.cos((time + 0.008) / 1.008 * np.pi / 2) ** 2 / np.cos(0.008 / 1.008 * np.pi / 2) ** 2
    found = np.asarray(cosine_signal_ratios(steps=1000))
    np.testing.assert_allclose(found[:-1], squared[:-1], rtol=1e-9)
    assert found[-1] == pytest.approx(found[-2] * 0.001)


@pytest.mark.parametrize("schedule", [linear_signal_ratios, cosine_signal_ratios])
def test_ratios_fall_from_nearly_one_to_nearly_nothing(schedule):
    ratios = np.asarray(schedule(steps=100))
    assert (np.diff(ratios) < 0).all()
    assert ratios[0] > 0.99
    assert 0 < ratios[-1] < 2e-4


def test_names_of_the_same_number(float64):
    ratios = jnp.linspace(0.001, 0.999, 99)
    np.testing.assert_allclose(ratio_of_deviation(noise_deviation(ratios)), ratios, rtol=1e-12)
    np.testing.assert_allclose(ratio_of_log(log_signal_to_noise(ratios)), ratios, rtol=1e-12)
    np.testing.assert_allclose(log_signal_to_noise(ratios), -2 * jnp.log(noise_deviation(ratios)), atol=1e-12)
    np.testing.assert_allclose(jnp.cos(noise_angle(ratios) * jnp.pi / 2) ** 2, ratios, rtol=1e-12)


def test_a_half_is_the_middle_of_all():
    half = jnp.float32(0.5)
    assert noise_deviation(half) == 1
    assert log_signal_to_noise(half) == 0
    assert noise_angle(half) == pytest.approx(0.5)
    assert jax.grad(noise_angle)(jnp.float32(0.3)) < 0
