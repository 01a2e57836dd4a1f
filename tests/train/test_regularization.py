"""Max-norm, L1 and L2 by configuration: projections by SciPy, recursions in NumPy, and minimisers in closed form.

Gradient clipping stands in ``test_optimizers.py``, parameter averaging in ``test_transforms.py``.
"""

from typing import get_args, get_type_hints

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import scipy.optimize
import sklearn.linear_model

from losses.regularization import l1_penalty, l2_penalty
from train.optimizers import Optimization, make_optimizer
from train.regularization import max_norm_projection, project_units, projected
from train.task import supervised

pytestmark = pytest.mark.usefixtures("float64")

RULES = get_args(get_type_hints(Optimization)["optimizer"])
STEPS = 30
CLOSE = {"rtol": 1e-12, "atol": 1e-14}  # a few roundings of order 1e-16 a step


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


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

WIDTHS = np.array([1e-3, 0.1, 1.0, 3.0])  # of the four columns' gradients: two never reach the bound


def parameters(dtype):
    kernel = normal(3, 4) * 0.1
    return {"kernel": jnp.asarray(kernel, dtype), "bias": jnp.asarray(normal(4), dtype)}


def forced(t, dtype):
    """Gradients that do not answer to the parameters."""
    gradients = {"kernel": normal(3, 4, seed=10 + t) * WIDTHS, "bias": 5 * normal(4, seed=100 + t)}
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype), gradients)


def iterates(dtype=jnp.float64, start=None, gradient=forced, compiled=jax.jit, **config):
    """The parameters before the first and after each step."""
    optimizer = make_optimizer(Optimization(**config), STEPS)

    @compiled
    def step(params, state, gradients):
        updates, state = optimizer.update(gradients, state, params)
        return optax.apply_updates(params, updates), state

    params = parameters(dtype) if start is None else start
    seen, state = [params], optimizer.init(params)
    for t in range(STEPS):
        params, state = step(params, state, gradient(t, dtype))
        seen.append(params)
    return seen


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


# What training ends in.


def design(orthonormal=False):
    """Forty examples of five inputs, of which the second and fourth do not matter."""
    x = normal(40, 5, seed=3)
    if orthonormal:
        x = np.linalg.qr(x)[0] * np.sqrt(40)  # XᵀX/n = I
    return x, x @ np.array([2.0, 0.0, -1.0, 0.0, 0.5]) + 0.3 * normal(40, seed=4)


def least_squares(x, y):
    """XᵀX/n and Xᵀy/n:  ½ mean squared error  is  ½ wᵀAw − wᵀb  and a constant."""
    return x.T @ x / len(x), x.T @ y / len(x)


def fit(x, y, steps, penalty=None, **config):
    """The weights to which the engine descends on ½ the mean squared error, from 0."""
    batch = {"x": jnp.asarray(x), "y": jnp.asarray(y)[:, None]}

    def loss_fn(params, batch, keys):
        losses = 0.5 * jnp.sum((batch["x"] @ params["kernel"] - batch["y"]) ** 2, axis=-1)
        return losses + (penalty(params) if penalty else 0.0), {}

    optimizer = make_optimizer(Optimization(**config), steps)
    task = supervised(loss_fn, lambda key: {"kernel": jnp.zeros((x.shape[1], 1))}, optimizer)
    step = jax.jit(lambda state: jax.lax.scan(lambda s, _: (task.step(s, batch)[0], None), state, None, steps)[0])
    return np.asarray(step(task.init(jax.random.key(0))).params["kernel"][:, 0])


@pytest.mark.parametrize("by", ["the configuration", "the penalty"])
def test_l2_ends_in_ridge_regression(by):
    x, y = design()
    A, b = least_squares(x, y)
    options = {"weight_decay": 0.3} if by == "the configuration" else {"penalty": lambda p: 0.3 * l2_penalty(p)}
    found = fit(x, y, 500, optimizer="sgd", learning_rate=0.3, **options)
    np.testing.assert_allclose(found, np.linalg.solve(A + 0.3 * np.eye(5), b), **CLOSE)


@pytest.mark.parametrize("by", ["the configuration", "the penalty"])
def test_l1_of_an_orthonormal_design_ends_in_soft_thresholding(by):
    """sign(b) max(0, |b| − λ):  exactly where it is not 0, and within one step's length η (λ + |b|) of 0 elsewhere."""
    x, y = design(orthonormal=True)
    _, b = least_squares(x, y)
    rate, weight = 0.01, 0.2
    options = {"l1": weight} if by == "the configuration" else {"penalty": lambda p: weight * l1_penalty(p)}
    found = fit(x, y, 4000, optimizer="sgd", learning_rate=rate, **options)
    expected = np.sign(b) * np.maximum(0.0, np.abs(b) - weight)
    irrelevant = expected == 0
    assert irrelevant.tolist() == [False, True, False, True, False]
    np.testing.assert_allclose(found[~irrelevant], expected[~irrelevant], **CLOSE)
    assert (np.abs(found) <= rate * (weight + np.abs(b)))[irrelevant].all()
    assert (
        np.abs(b[irrelevant]) > 2 * rate * (weight + np.abs(b[irrelevant]))
    ).all()  # least squares leaves them there


def test_l1_with_a_falling_rate_ends_in_scikit_learns_lasso():
    x, y = design()
    lasso = sklearn.linear_model.Lasso(alpha=0.2, fit_intercept=False, tol=1e-14, max_iter=100_000).fit(x, y).coef_
    assert (lasso == 0).tolist() == [False, True, False, True, False]
    steps = 20_000
    found = fit(x, y, steps, optimizer="sgd", learning_rate=0.1, schedule="cosine", l1=0.2)
    # The steps near 0 are as long as the rate, which over the last 2,000 of them is below 0.0025
    np.testing.assert_allclose(found, lasso, atol=1e-4)


def test_max_norm_ends_in_least_squares_within_a_ball():
    """(A + μI) w = b  with the multiplier μ that makes ‖w‖ the bound."""
    x, y = design()
    A, b = least_squares(x, y)

    def solution(multiplier):
        return np.linalg.solve(A + multiplier * np.eye(5), b)

    multiplier = scipy.optimize.brentq(lambda m: np.linalg.norm(solution(m)) - 1.0, 0.0, 100.0, xtol=1e-15)
    assert multiplier > 0.1
    found = fit(x, y, 500, optimizer="sgd", learning_rate=0.3, max_norm=1.0)
    np.testing.assert_allclose(found, solution(multiplier), rtol=1e-12, atol=1e-13)


# The L1 term by configuration.


@pytest.mark.parametrize("optimizer", RULES)
def test_l1_adds_the_signs_of_all_parameters_to_the_gradient_under_every_rule(optimizer):
    config = {"optimizer": optimizer, "learning_rate": 0.05}
    found = iterates(**config, l1=0.3)

    def gradient(t, dtype):
        return jax.tree.map(lambda g, w: g + 0.3 * np.sign(w), forced(t, dtype), found[t])

    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, **CLOSE), found, iterates(**config, gradient=gradient))


def test_l1_is_not_clipped():
    config = {"optimizer": "sgd", "learning_rate": 1.0, "l1": 0.25, "clip_value": 0.125, "clip_norm": 0.125}
    optimizer = make_optimizer(Optimization(**config), STEPS)
    params = {"kernel": jnp.asarray([[2.0, -3.0, 0.0]])}
    updates, _ = optimizer.update(jax.tree.map(jnp.zeros_like, params), optimizer.init(params), params)
    np.testing.assert_array_equal(updates["kernel"], [[-0.25, 0.25, 0.0]])


OF = {"all": lambda leaf: True, "kernels": lambda leaf: leaf.ndim > 1}


@pytest.mark.parametrize("penalized", OF)
@pytest.mark.parametrize(("field", "penalty"), [("l1", l1_penalty), ("weight_decay", l2_penalty)])
def test_the_configurations_term_is_the_gradient_of_the_penalty_of_what_is_penalized(field, penalty, penalized):
    params = parameters(jnp.float64)
    config = Optimization(optimizer="sgd", learning_rate=1.0, penalized=penalized, **{field: 0.3})
    optimizer = make_optimizer(config, STEPS)
    updates, _ = optimizer.update(jax.tree.map(jnp.zeros_like, params), optimizer.init(params), params)
    expected = jax.grad(lambda p: 0.3 * penalty(p, penalized=OF[penalized]))(params)
    assert any(leaf.ndim < 2 for leaf in jax.tree.leaves(params))
    jax.tree.map(lambda u, g: np.testing.assert_allclose(-u, g, rtol=1e-15), updates, expected)


@pytest.mark.parametrize("optimizer", RULES)
def test_biases_are_left_alone_where_kernels_are_penalized(optimizer):
    """Under every rule a step without a gradient moves kernels and nothing else."""
    params = parameters(jnp.float64)
    config = Optimization(optimizer=optimizer, penalized="kernels", weight_decay=0.3, l1=0.1)
    rule = make_optimizer(config, STEPS)
    updates, _ = rule.update(jax.tree.map(jnp.zeros_like, params), rule.init(params), params)
    for update in jax.tree.leaves(updates):
        assert bool(jnp.any(update != 0)) == (update.ndim > 1)


def test_without_l1_and_max_norm_nothing_is_carried_for_them():
    """So that checkpoints of runs without them keep their structure."""
    with_both = make_optimizer(Optimization(l1=0.1, max_norm=1.0), STEPS).init(parameters(jnp.float64))
    without = make_optimizer(Optimization(), STEPS).init(parameters(jnp.float64))
    assert jax.tree.leaves(with_both, is_leaf=lambda s: isinstance(s, optax.EmptyState)).count(optax.EmptyState()) == 2
    assert not jax.tree.leaves(without, is_leaf=lambda s: isinstance(s, optax.EmptyState)).count(optax.EmptyState())


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
