"""L1 and L2 by configuration, and where regularised training ends: minimisers in closed form, recursions in NumPy.

Max-norm stands in ``test_max_norm.py``, gradient clipping in ``test_optimizers.py``, parameter averaging in
``test_transforms.py``.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import scipy.optimize
import sklearn.linear_model
from forced_descents import CLOSE, RULES, STEPS, forced, iterates, normal, parameters

from losses.regularization import l1_penalty, l2_penalty
from train.optimizers import Optimization, make_optimizer
from train.task import supervised

pytestmark = pytest.mark.usefixtures("float64")


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
