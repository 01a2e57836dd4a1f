"""Oracles of ``train/optimizers.py``: closed forms on a quadratic bowl, recursions in NumPy, clipping by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from quadratic_bowl import CLOSE, ETA, STEPS, bowl, iterates, recursion

from train.feed import resident_feed
from train.optimizers import Optimization, make_optimizer
from train.task import supervised

pytestmark = pytest.mark.usefixtures("float64")

START = np.array([1.0, -2.0, 0.5, 3.0])


def forced(decay: float = 0.0):
    """Random gradients that do not answer to x, so that a rule's normalisation does not amplify rounding."""
    rows = iter(np.random.default_rng(1).standard_normal((STEPS, 4)))
    return lambda x: next(rows) + decay * x


def sgd_rule(x, g, memory, t):
    return x - ETA * g, memory


def adam_rule(beta1, beta2, epsilon, decoupled=0.0):
    def rule(x, g, memory, t):
        m, v = memory or (0.0, 0.0)
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
        direction = (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + epsilon)
        return x - ETA * (direction + decoupled * x), (m, v)

    return rule


def rmsprop_rule(decay, epsilon):
    def rule(x, g, square, t):
        square = (0.0 if square is None else decay * square) + (1 - decay) * g**2
        return x - ETA * g / (np.sqrt(square) + epsilon), square

    return rule


def test_sgd_is_the_power_of_one_minus_eta_a():
    A, x0 = bowl()
    expected = [np.linalg.matrix_power(np.eye(4) - ETA * A, t) @ x0 for t in range(STEPS + 1)]
    found = iterates(Optimization(optimizer="sgd", learning_rate=ETA), lambda x: A @ x, x0)
    np.testing.assert_allclose(found, expected, **CLOSE)


@pytest.mark.parametrize("batch", [6, 2, 1], ids=["full batch", "mini-batch", "online"])
def test_gradient_descent_takes_the_mean_of_its_batch(batch):
    """Least squares by hand: w ← w − η/B Σ_i (x_i·w − y_i) x_i, over the examples that the feed's law names.

    For the full batch also in closed form: w_t − w* = (1 − η XᵀX/N)ᵗ (w_0 − w*).
    """
    rng = np.random.default_rng(3)
    x, y, start = rng.standard_normal((6, 4)), rng.standard_normal(6), rng.standard_normal(4)
    seed, steps = 7, 24

    def loss(w, examples, keys):
        return 0.5 * (examples["x"] @ w - examples["y"]) ** 2, {}

    optimizer = make_optimizer(Optimization(optimizer="sgd", learning_rate=ETA), steps)
    feed = resident_feed({"x": x, "y": y}, [seed], batch)
    on_device = jax.tree.map(jnp.asarray, feed.resident)
    task = feed.bind(supervised(loss, lambda key: jnp.asarray(start), optimizer), on_device)
    (indices,) = feed.read([(0, steps)])
    state, step, found = task.init(jax.random.key(seed)), jax.jit(task.step), [start]
    for index in indices[0]:
        state, _ = step(state, index)
        found.append(np.asarray(state.params))

    orders = [np.random.Generator(np.random.Philox([seed, epoch])).permutation(6) for epoch in range(24)]
    chosen = np.concatenate(orders)[: steps * batch].reshape(steps, batch)
    w, expected = start, [start]
    for examples in chosen:
        w = w - ETA * sum((x[i] @ w - y[i]) * x[i] for i in examples) / batch
        expected.append(w)
    np.testing.assert_allclose(found, expected, **CLOSE)
    if batch == 6:
        optimum = np.linalg.lstsq(x, y)[0]
        one_step = np.eye(4) - ETA * x.T @ x / 6
        distances = [np.linalg.matrix_power(one_step, t) @ (start - optimum) for t in range(steps + 1)]
        np.testing.assert_allclose(found, optimum + np.array(distances), **CLOSE)


@pytest.mark.parametrize(("beta1", "beta2", "epsilon"), [(0.9, 0.999, 1e-8), (0.5, 0.9, 1e-2), (0.0, 0.99, 1e-4)])
def test_adam_is_its_recursion(beta1, beta2, epsilon):
    config = Optimization(optimizer="adam", learning_rate=ETA, beta1=beta1, beta2=beta2, epsilon=epsilon)
    expected = recursion(adam_rule(beta1, beta2, epsilon), forced(), START)
    np.testing.assert_allclose(iterates(config, forced(), START), expected, **CLOSE)


@pytest.mark.parametrize(("decay", "epsilon"), [(0.9, 1e-8), (0.5, 1e-2)])
def test_rmsprop_adds_epsilon_to_the_root_of_the_running_square(decay, epsilon):
    config = Optimization(optimizer="rmsprop", learning_rate=ETA, momentum=decay, epsilon=epsilon)
    expected = recursion(rmsprop_rule(decay, epsilon), forced(), START)
    np.testing.assert_allclose(iterates(config, forced(), START), expected, **CLOSE)


def test_adamws_decay_is_decoupled_from_the_gradient():
    config = Optimization(optimizer="adamw", learning_rate=ETA, weight_decay=0.3)
    expected = recursion(adam_rule(0.9, 0.999, 1e-8, decoupled=0.3), forced(), START)
    np.testing.assert_allclose(iterates(config, forced(), START), expected, **CLOSE)


def test_adamw_without_decay_is_adam():
    adamw, adam = (Optimization(optimizer=name, learning_rate=ETA) for name in ("adamw", "adam"))
    np.testing.assert_array_equal(iterates(adamw, forced(), START), iterates(adam, forced(), START))


@pytest.mark.parametrize(
    "optimizer",
    ["sgd", "momentum", "nesterov", "classical_momentum", "nesterov_accelerated_gradient", "adam", "rmsprop"],
)
def test_weight_decay_of_other_rules_is_an_l2_term_in_the_gradient(optimizer):
    decayed = Optimization(optimizer=optimizer, learning_rate=ETA, weight_decay=0.3)
    plain = Optimization(optimizer=optimizer, learning_rate=ETA)
    found, expected = iterates(decayed, forced(), START), iterates(plain, forced(decay=0.3), START)
    np.testing.assert_allclose(found, expected, **CLOSE)


def test_adams_weight_decay_is_normalised_with_the_gradient():
    config = Optimization(optimizer="adam", learning_rate=ETA, weight_decay=0.3)
    expected = recursion(adam_rule(0.9, 0.999, 1e-8), forced(decay=0.3), START)
    np.testing.assert_allclose(iterates(config, forced(), START), expected, **CLOSE)


def one_sgd_step(gradients: dict, **config) -> dict:
    """What is subtracted from the parameters, at learning rate 1."""
    optimizer = make_optimizer(Optimization(optimizer="sgd", learning_rate=1.0, **config), 10)
    gradients = jax.tree.map(jnp.asarray, gradients)
    updates, _ = optimizer.update(gradients, optimizer.init(gradients), gradients)
    return jax.tree.map(lambda leaf: -np.asarray(leaf), updates)


GRADIENTS = {"a": np.array([3.0, -4.0]), "b": np.array([[12.0]])}  # global norm 13


def test_clip_norm_scales_all_leaves_by_one_factor_to_the_global_norm():
    clipped = one_sgd_step(GRADIENTS, clip_norm=6.5)
    np.testing.assert_allclose(np.concatenate([leaf.ravel() for leaf in clipped.values()]), [1.5, -2, 6], rtol=1e-15)


@pytest.mark.parametrize("config", [{"clip_norm": 13.1}, {"clip_value": 12.0}, {"clip_norm": 13.1, "clip_value": 12.5}])
def test_clipping_leaves_smaller_gradients_as_they_are(config):
    jax.tree.map(np.testing.assert_array_equal, one_sgd_step(GRADIENTS, **config), GRADIENTS)


def test_clip_value_cuts_each_entry():
    clipped = one_sgd_step(GRADIENTS, clip_value=3.5)
    jax.tree.map(np.testing.assert_array_equal, clipped, {"a": np.array([3.0, -3.5]), "b": np.array([[3.5]])})


def test_values_are_cut_before_the_norm_is():
    cut = {name: np.clip(leaf, -3.5, 3.5) for name, leaf in GRADIENTS.items()}
    norm = np.sqrt(sum((leaf**2).sum() for leaf in cut.values()))
    found = one_sgd_step(GRADIENTS, clip_value=3.5, clip_norm=2.0)
    for name, leaf in cut.items():
        np.testing.assert_allclose(found[name], leaf * 2.0 / norm, rtol=1e-15)


def test_weight_decay_is_not_clipped():
    A, x0 = bowl()

    def clipped(x):
        g = A @ x
        return g * min(1.0, 0.5 / np.linalg.norm(g))

    config = Optimization(optimizer="sgd", learning_rate=ETA, clip_norm=0.5, weight_decay=2.0)
    expected = recursion(sgd_rule, lambda x: clipped(x) + 2.0 * x, x0)
    np.testing.assert_allclose(iterates(config, lambda x: A @ x, x0), expected, **CLOSE)
