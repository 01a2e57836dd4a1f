"""Max-norm: the projection by SciPy and by what makes it one, and descents that never leave the bound."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize
from forced_descents import CLOSE, RULES, STEPS, forced, iterates, normal

from train.optimizers import Optimization, make_optimizer
from train.regularization import max_norm_projection, project_units, projected

pytestmark = pytest.mark.usefixtures("float64")


def norms(kernel):
    return np.sqrt((np.asarray(kernel) ** 2).sum(axis=tuple(range(kernel.ndim - 1))))


# The projection.


def test_a_long_column_is_scaled_to_the_bound_and_a_short_one_kept():
    kernel = jnp.asarray([[3.0, 0.3, 0.0], [4.0, -0.4, 0.0]])
    found = max_norm_projection(kernel, bound=2.0)
    np.testing.assert_allclose(found[:, 0], [1.2, 1.6], rtol=1e-15)
    np.testing.assert_array_equal(found[:, 1:], kernel[:, 1:])


def test_it_is_the_nearest_kernel_within_the_bound_by_scipy():
    kernel = normal(3, 2)
    bound = norms(kernel).mean()  # one column is longer, one shorter
    nearest = scipy.optimize.minimize(
        lambda flat: ((flat - kernel.ravel()) ** 2).sum(),
        np.zeros(6),
        jac=lambda flat: 2 * (flat - kernel.ravel()),
        constraints={"type": "ineq", "fun": lambda flat: bound**2 - (flat.reshape(3, 2) ** 2).sum(axis=0)},
        method="SLSQP",
        options={"ftol": 1e-15, "maxiter": 500},
    )
    # SLSQP sees the distance to 1e-15, and so the place of its minimum to the root of that
    np.testing.assert_allclose(
        max_norm_projection(jnp.asarray(kernel), bound=bound), nearest.x.reshape(3, 2), atol=1e-7
    )


def test_no_point_within_the_bound_lies_beyond_it():
    """What makes it the projection Px on a convex set:  ⟨x − Px, z − Px⟩ ≤ 0  for every z of the set."""
    kernel = 3 * normal(4, 5)
    projected = np.asarray(max_norm_projection(jnp.asarray(kernel), bound=1.5))
    directions = normal(1000, 4, 5, seed=1)
    inside = 1.5 * directions / np.linalg.norm(directions, axis=1, keepdims=True)
    inside *= np.random.default_rng(2).uniform(0, 1, (1000, 1, 5))
    assert ((kernel - projected) * (inside - projected)).sum(axis=1).max() <= 1e-14


@pytest.mark.parametrize("shape", [(7, 3), (2, 3, 4, 5)], ids=["dense", "convolution"])
def test_projecting_twice_is_projecting_once(shape):
    once = max_norm_projection(jnp.asarray(normal(*shape)), bound=1.5)
    np.testing.assert_allclose(max_norm_projection(once, bound=1.5), once, rtol=4e-16)


def test_projections_are_never_further_apart_than_the_kernels():
    pairs = jnp.asarray(normal(500, 2, 4, 3))
    first, second = jnp.moveaxis(jax.vmap(jax.vmap(lambda k: max_norm_projection(k, bound=1.5)))(pairs), 1, 0)
    apart = np.linalg.norm(first - second, axis=1)
    assert (apart <= np.linalg.norm(pairs[:, 0] - pairs[:, 1], axis=1) + 1e-15).all()


def test_a_convolutions_unit_takes_in_its_window_and_all_channels():
    kernel = normal(2, 3, 4, 5)
    found = max_norm_projection(jnp.asarray(kernel), bound=4.0)
    assert {True, False} == set(norms(kernel) > 4.0)
    expected = max_norm_projection(jnp.asarray(kernel.reshape(24, 5)), bound=4.0)
    np.testing.assert_allclose(found.reshape(24, 5), expected, rtol=1e-15)  # sums of another order


@pytest.mark.parametrize("bound", [0.1, 0.3, 2.0, 3.7])
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_columns_within_the_bound_keep_their_bits(bound, dtype):
    kernel = normal(5, 1000)
    kernel *= bound * np.random.default_rng(1).uniform(0, 0.999, 1000) / norms(kernel)
    kernel = jnp.asarray(kernel, dtype)
    found = jax.jit(lambda k: max_norm_projection(k, bound=bound))(kernel)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, kernel)


def test_the_projection_is_the_same_compiled_and_mapped():
    kernels = jnp.asarray(normal(3, 4, 5))

    def project(kernel):
        return max_norm_projection(kernel, bound=1.5)

    expected = np.stack([project(kernel) for kernel in kernels])
    np.testing.assert_allclose(jax.vmap(project)(kernels), expected, rtol=1e-15)
    np.testing.assert_allclose(np.stack([jax.jit(project)(kernel) for kernel in kernels]), expected, rtol=1e-15)


@pytest.mark.parametrize("bound", [0.0, -1.0])
def test_a_bound_that_is_not_positive_is_refused(bound):
    with pytest.raises(ValueError, match="must be positive"):
        max_norm_projection(jnp.ones((2, 2)), bound=bound)


# Max-norm by configuration.


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
@pytest.mark.parametrize("optimizer", RULES)
def test_no_column_ever_exceeds_the_bound(optimizer, dtype):
    config = {"optimizer": optimizer, "learning_rate": 0.3, "weight_decay": 0.1, "l1": 0.1, "schedule": "cosine"}
    free, bounded = iterates(dtype, **config), iterates(dtype, **config, max_norm=0.7)
    assert max(norms(params["kernel"]).max() for params in free) > 1.0
    reached = np.stack([norms(params["kernel"]) for params in bounded])
    assert reached.max() <= 0.7 * (1 + 8 * jnp.finfo(dtype).eps)  # norm, quotient, product, difference and sum
    assert reached.max() >= 0.7 * (1 - 8 * jnp.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_what_stays_within_the_bound_moves_as_without_it_to_the_bit(dtype):
    """Operation by operation: compiled, a product and a sum may be rounded once instead of twice."""
    config = {"optimizer": "sgd", "learning_rate": 0.3, "compiled": lambda step: step}
    free, bounded = (iterates(dtype, **config, max_norm=bound) for bound in (0.0, 0.7))
    within = np.stack([norms(params["kernel"]) for params in free]).max(axis=0) < 0.7
    assert within.tolist() == [True, True, False, False]
    for one, other in zip(free, bounded, strict=True):
        np.testing.assert_array_equal(one["bias"], other["bias"])
        np.testing.assert_array_equal(one["kernel"][:, within], other["kernel"][:, within])


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_within_the_bound_an_update_is_passed_on_to_the_bit(dtype):
    """Also one that overshoots, whose sum with the parameter has fewer digits than it has itself."""
    params = {"kernel": jnp.asarray(normal(3, 1000), dtype)}
    gradients = jax.tree.map(lambda leaf: leaf * jnp.linspace(0.1, 6.0, 1000, dtype=dtype), params)
    optimizer = make_optimizer(Optimization(optimizer="sgd", learning_rate=1.0, max_norm=100.0), STEPS)
    updates, _ = jax.jit(optimizer.update)(gradients, optimizer.init(params), params)
    np.testing.assert_array_equal(updates["kernel"], -gradients["kernel"])


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_each_step_ends_in_the_projection(optimizer):
    """By NumPy: Adam's direction and the weight decay are taken where the last projection led."""
    seen = iterates(optimizer=optimizer, learning_rate=0.3, weight_decay=0.1, max_norm=0.7)
    kernel, m, v = np.asarray(seen[0]["kernel"]), 0.0, 0.0
    for t in range(STEPS):
        direction = np.asarray(forced(t, jnp.float64)["kernel"]) + 0.1 * kernel
        if optimizer == "adam":
            m, v = 0.9 * m + 0.1 * direction, 0.999 * v + 0.001 * direction**2
            direction = (m / (1 - 0.9 ** (t + 1))) / (np.sqrt(v / (1 - 0.999 ** (t + 1))) + 1e-8)
        kernel = kernel - 0.3 * direction
        kernel = kernel * np.minimum(1.0, 0.7 / norms(kernel))
        np.testing.assert_allclose(seen[t + 1]["kernel"], kernel, rtol=1e-10, atol=1e-12)


def test_a_start_beyond_the_bound_is_projected_by_the_first_step():
    start = {"kernel": jnp.asarray([[30.0, 0.3], [40.0, 0.4]])}
    seen = iterates(start=start, gradient=lambda t, dtype: {"kernel": jnp.zeros((2, 2))}, optimizer="sgd", max_norm=1.0)
    np.testing.assert_allclose(seen[1]["kernel"], [[0.6, 0.3], [0.8, 0.4]], rtol=2e-14)  # 0.6 = 30 − 29.4


def test_projected_by_the_units_norm_is_the_projection_of_units():
    rng = np.random.default_rng(4)
    params, updates = ({"kernel": jnp.asarray(rng.normal(size=(5, 3)))} for _ in range(2))

    def project(params):
        return jax.tree.map(lambda kernel: max_norm_projection(kernel, bound=1.2), params)

    found, expected = (
        part.update(updates, part.init(params), params)[0] for part in (projected(project), project_units(1.2))
    )
    np.testing.assert_allclose(found["kernel"], expected["kernel"], **CLOSE)
    assert np.linalg.norm(params["kernel"] + found["kernel"], axis=0).max() <= 1.2 + 1e-12
