"""Both fits against their optima, found in closed form and by SciPy; quadrature and draws against closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.optimize
import scipy.stats
from trained import assert_same_at_every_evaluation_batch, measured, trained

from experiments.foundations.information.densities import Mixture, Normal, estimated_kl, log_ratios, quadrature_kl
from experiments.foundations.information.experiment import InformationSettings, data
from experiments.foundations.information.figures import bit, monte_carlo
from experiments.run.settings import configure

SETTINGS = configure(InformationSettings(), steps=800, learning_rate=0.04)
TARGET = Mixture((0.4, 0.6), (-2.0, 2.0), (0.5, 0.5))


def density(points, target=TARGET):
    return sum(w * scipy.stats.norm.pdf(points, m, s) for w, m, s in zip(*target, strict=True))


def reverse_kl(parameters, target=TARGET):
    """KL(q ‖ p) of q = N(mean, exp(log_variance)), by SciPy's quadrature."""
    q = scipy.stats.norm(parameters[0], np.exp(parameters[1] / 2))
    x = np.linspace(q.mean() - 10 * q.std(), q.mean() + 10 * q.std(), 2001)
    return scipy.integrate.simpson(q.pdf(x) * (q.logpdf(x) - np.log(density(x, target))), x=x)


@pytest.fixture(scope="module")
def ran():
    return trained("information", SETTINGS)


def test_the_covering_fit_has_the_moments_of_the_data(ran):
    """Least KL(p ‖ q) is the greatest likelihood, which for a Gaussian is reached by mean and variance."""
    found = measured(*ran)
    values = data(SETTINGS).splits["train"]["value"].astype(np.float64)
    assert found["moments/mean"] == pytest.approx(values.mean(), rel=1e-5)
    assert found["moments/deviation"] == pytest.approx(values.std(), rel=1e-5)
    assert found["covering/mean"] == pytest.approx(values.mean(), abs=0.01)
    assert found["covering/deviation"] == pytest.approx(values.std(), abs=0.01)
    mean, variance = TARGET.moments()
    best = scipy.stats.norm(mean, np.sqrt(variance))
    least = scipy.integrate.quad(lambda x: density(x) * (np.log(density(x)) - best.logpdf(x)), -8, 8, limit=200)[0]
    assert least - 1e-4 < found["covering/forward_kl"] < least + 2e-3


def test_the_seeking_fit_is_the_optimum_on_one_mode(ran):
    found = measured(*ran)
    mode = np.sign(found["seeking/mean"])
    best = scipy.optimize.minimize(reverse_kl, [2 * mode, 2 * np.log(0.5)], method="Nelder-Mead")
    assert found["seeking/reverse_kl"] == pytest.approx(best.fun, abs=1e-3)
    assert found["seeking/mean"] == pytest.approx(best.x[0], abs=0.01)
    assert found["seeking/deviation"] == pytest.approx(np.exp(best.x[1] / 2), abs=0.01)
    share = 0.6 if mode > 0 else 0.4
    assert found["seeking/information_of_its_mode"] == pytest.approx(-np.log(share), rel=1e-6)
    assert found["seeking/reverse_kl"] == pytest.approx(-np.log(share), abs=1e-3)


def test_from_a_wide_start_it_may_rest_at_a_local_optimum_over_both_modes():
    settings = configure(SETTINGS, distance=1.5, initial_deviation=1.0)
    found = measured(*trained("information", settings))
    wide, narrow = (
        scipy.optimize.minimize(reverse_kl, start, (settings.target,), method="Nelder-Mead")
        for start in ([0.2, 0.5], [1.5, 2 * np.log(0.5)])
    )
    assert found["seeking/reverse_kl"] == pytest.approx(wide.fun, abs=2e-3)
    assert found["seeking/deviation"] == pytest.approx(np.exp(wide.x[1] / 2), abs=0.05)
    assert wide.fun > 1.2 * narrow.fun


def test_each_fit_is_the_better_one_in_its_own_direction(ran):
    found = measured(*ran)
    assert found["covering/forward_kl"] < 0.2 * found["seeking/forward_kl"]
    assert found["seeking/reverse_kl"] < 0.5 * found["covering/reverse_kl"]
    assert found["covering/reverse_kl"] == pytest.approx(
        reverse_kl([found["covering/mean"], 2 * np.log(found["covering/deviation"])]), rel=1e-3
    )
    off = abs(found["monte_carlo/estimate"] - found["monte_carlo/closed_form"])
    assert off < 4 * found["monte_carlo/standard_error"] < 0.05


def test_numbers_are_the_same_at_every_evaluation_batch_and_however_the_batch_is_cut(ran):
    found = assert_same_at_every_evaluation_batch(*ran)
    again = trained("information", configure(SETTINGS, accumulate=4))
    for name in ("mean", "deviation"):
        assert measured(*again)[f"seeking/{name}"] == pytest.approx(found[f"seeking/{name}"], rel=1e-4)


def test_the_mixture_is_scipys(float64):
    points = np.linspace(-5, 5, 11)
    found = jax.vmap(TARGET.log_density)(jnp.asarray(points))
    np.testing.assert_allclose(found, np.log(density(points)), rtol=1e-12)
    mean, variance = TARGET.moments()
    assert mean == pytest.approx(scipy.integrate.quad(lambda x: x * density(x), -8, 8, limit=200)[0])
    second = scipy.integrate.quad(lambda x: x**2 * density(x), -8, 8, limit=200)[0]
    assert variance == pytest.approx(second - mean**2)


def test_quadrature_is_the_closed_form_between_gaussians(float64):
    """KL(N(0, 1) ‖ N(1, 4)) = ½ (¼ + ¼ − 1 + log 4)."""
    points = jnp.linspace(-15, 15, 3001)
    p, q = (
        jax.vmap(Normal(jnp.asarray(mean), jnp.asarray(log_variance)).log_density)(points)
        for mean, log_variance in ((0.0, 0.0), (1.0, np.log(4.0)))
    )
    assert quadrature_kl(p, q, 0.01) == pytest.approx(0.5 * (np.log(4) - 0.5), rel=1e-10)


def test_two_standard_errors_hold_the_truth_in_95_of_100_cases():
    q, p = Normal(jnp.asarray(0.5), jnp.asarray(-1.0)), Normal(jnp.asarray(0.0), jnp.asarray(0.3))
    keys = jax.random.split(jax.random.key(0), 400)
    estimate, error, truth = jax.jit(jax.vmap(lambda key: estimated_kl(key, q, p, draws=300)))(keys)
    assert truth[0] == pytest.approx(0.5 * (np.exp(-1.3) - 1 + 1.3 + 0.25 * np.exp(-0.3)), rel=1e-5)
    assert 0.92 < np.mean(np.abs(estimate - truth) < 2 * error) < 0.98  # 0.95 within three standard errors of 400
    assert abs(np.mean(estimate - truth)) < 3 * np.mean(error) / 20


def test_gradients_pass_through_a_draw(float64):
    """∂/∂m KL(N(m, 1) ‖ N(0, 1)) = m, and the same of each draw but for noise:  log q(m + ε) does not move with m."""

    def mean_ratio(mean, keys):
        zero = jnp.zeros(())
        return jnp.mean(log_ratios(Normal(mean, zero), Normal(zero, zero).log_density, keys))

    keys = jax.random.split(jax.random.key(1), 2000)
    drawn = jax.vmap(jax.random.normal)(keys)
    assert jax.grad(mean_ratio)(jnp.asarray(0.7), keys) == pytest.approx(0.7 + float(drawn.mean()), rel=1e-10)


def test_what_is_drawn_of_a_bit_and_of_averages():
    entropy, information, _ = bit().axes[0].lines
    places = np.asarray(entropy.get_xdata())
    np.testing.assert_allclose(
        entropy.get_ydata(), scipy.stats.entropy([places, 1 - places], base=2), rtol=1e-5, atol=1e-6
    )
    np.testing.assert_allclose(information.get_ydata(), -np.log2(information.get_xdata()), rtol=1e-5, atol=1e-6)
    ratios = np.random.default_rng(0).normal(1.5, 2.0, (200, 1000))
    *_, root_mean_square, line = monte_carlo(ratios, 1.5).axes[0].lines
    np.testing.assert_allclose(line.get_ydata(), 2.0 / np.sqrt(line.get_xdata()), rtol=0.01)
    np.testing.assert_allclose(root_mean_square.get_ydata(), line.get_ydata(), rtol=0.25)
