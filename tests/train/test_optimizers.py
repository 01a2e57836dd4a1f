"""Oracles of ``train/optimizers.py``: closed forms on a quadratic bowl, recursions in NumPy, schedules by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from train.feed import resident_feed
from train.optimizers import Optimization, learning_rate_schedule, make_optimizer
from train.task import supervised

pytestmark = pytest.mark.usefixtures("float64")

ETA, MU, STEPS = 0.05, 0.9, 40
# a few roundings of order 1e-16 a step, over 40 steps that do not amplify them much
CLOSE = {"rtol": 1e-12, "atol": 1e-14}
START = np.array([1.0, -2.0, 0.5, 3.0])


def bowl() -> tuple[np.ndarray, np.ndarray]:
    """A of ½ xᵀAx, with eigenvalues between 0.1 and 10, and a starting point."""
    rng = np.random.default_rng(0)
    rotation, _ = np.linalg.qr(rng.standard_normal((4, 4)))
    return rotation @ np.diag([0.1, 1.0, 3.0, 10.0]) @ rotation.T, rng.standard_normal(4)


def forced(decay: float = 0.0):
    """Random gradients that do not answer to x, so that a rule's normalisation does not amplify rounding."""
    rows = iter(np.random.default_rng(1).standard_normal((STEPS, 4)))
    return lambda x: next(rows) + decay * x


def iterates(config: Optimization, gradient, x0: np.ndarray, steps: int = STEPS) -> np.ndarray:
    """x_0 … x_steps under the optimiser of ``config``."""
    optimizer = make_optimizer(config, steps)

    @jax.jit
    def step(x, state, g):
        updates, state = optimizer.update({"x": g}, state, {"x": x})
        return optax.apply_updates({"x": x}, updates)["x"], state

    x, state, seen = jnp.asarray(x0), optimizer.init({"x": jnp.asarray(x0)}), [x0]
    for _ in range(steps):
        x, state = step(x, state, jnp.asarray(gradient(seen[-1])))
        seen.append(np.asarray(x))
    return np.stack(seen)


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


def recursion(rule, gradient, x0: np.ndarray, steps: int = STEPS) -> np.ndarray:
    seen, memory = [x0], None
    for t in range(1, steps + 1):
        x, memory = rule(seen[-1], gradient(seen[-1]), memory, t)
        seen.append(x)
    return np.stack(seen)


def test_sgd_is_the_power_of_one_minus_eta_a():
    A, x0 = bowl()
    expected = [np.linalg.matrix_power(np.eye(4) - ETA * A, t) @ x0 for t in range(STEPS + 1)]
    found = iterates(Optimization(optimizer="sgd", learning_rate=ETA), lambda x: A @ x, x0)
    np.testing.assert_allclose(found, expected, **CLOSE)


def test_momentum_is_the_heavy_balls_matrix_power_along_each_eigenvector():
    A, x0 = bowl()
    eigenvalues, vectors = np.linalg.eigh(A)
    found = iterates(Optimization(optimizer="momentum", learning_rate=ETA, momentum=MU), lambda x: A @ x, x0)
    for value, vector in zip(eigenvalues, vectors.T, strict=True):
        # (v, z) ← (μv + λz, z − η(μv + λz))
        one_step = np.array([[MU, value], [-ETA * MU, 1 - ETA * value]])
        expected = [(np.linalg.matrix_power(one_step, t) @ [0.0, vector @ x0])[1] for t in range(STEPS + 1)]
        np.testing.assert_allclose(found @ vector, expected, **CLOSE)


def test_momentum_is_the_heavy_ball():
    A, x0 = bowl()

    def rule(x, g, v, t):
        v = g if v is None else MU * v + g
        return x - ETA * v, v

    found = iterates(Optimization(optimizer="momentum", learning_rate=ETA, momentum=MU), lambda x: A @ x, x0)
    np.testing.assert_allclose(found, recursion(rule, lambda x: A @ x, x0), **CLOSE)


def test_nesterov_takes_the_gradient_where_the_momentum_will_lead():
    """In Sutskever's form the gradient is taken at y + μv; our iterates are those points x = y + μv."""
    A, x0 = bowl()
    y, v, expected = x0, np.zeros(4), [x0]
    for _ in range(STEPS):
        v = MU * v - ETA * A @ (y + MU * v)
        y = y + v
        expected.append(y + MU * v)
    found = iterates(Optimization(optimizer="nesterov", learning_rate=ETA, momentum=MU), lambda x: A @ x, x0)
    np.testing.assert_allclose(found, expected, **CLOSE)


RATE_INSIDE = {"momentum": "classical_momentum", "nesterov": "nesterov_accelerated_gradient"}


def powers(one_step, x0):
    """(v, x) from (0, x0), before each step and after the last."""
    start = np.r_[np.zeros(4), x0]
    return np.stack([np.linalg.matrix_power(one_step, t) @ start for t in range(STEPS + 1)])


@pytest.mark.parametrize("rule", ["momentum", RATE_INSIDE["momentum"]])
def test_momentum_is_the_power_of_its_companion_matrix(rule):
    """v ← μv − ηAx,  x ← x + v: one matrix on (v, x) in ℝ⁸."""
    A, x0 = bowl()
    identity = np.eye(4)
    one_step = np.block([[MU * identity, -ETA * A], [MU * identity, identity - ETA * A]])
    found = iterates(Optimization(optimizer=rule, learning_rate=ETA, momentum=MU), lambda x: A @ x, x0)
    np.testing.assert_allclose(found, powers(one_step, x0)[:, 4:], **CLOSE)


@pytest.mark.parametrize("rule", ["nesterov", RATE_INSIDE["nesterov"]])
def test_nesterov_is_the_power_of_its_companion_matrix(rule):
    """v ← μv − ηA(y + μv),  y ← y + v: one matrix on (v, y) in ℝ⁸; the iterates are x = y + μv."""
    A, x0 = bowl()
    identity = np.eye(4)
    velocity = np.hstack([MU * (identity - ETA * A), -ETA * A])
    one_step = np.vstack([velocity, velocity + np.hstack([0 * identity, identity])])
    expected = powers(one_step, x0)
    found = iterates(Optimization(optimizer=rule, learning_rate=ETA, momentum=MU), lambda x: A @ x, x0)
    np.testing.assert_allclose(found, expected[:, 4:] + MU * expected[:, :4], **CLOSE)


DROP, FACTOR = 15, 0.2
FALLING = {"learning_rate": ETA, "momentum": MU, "schedule": "step", "decay_steps": (DROP,), "decay_factor": FACTOR}


def falling_rate(t):
    """Of step t, counted from 1 as ``recursion`` does; the schedule counts from 0."""
    return ETA if t <= DROP else ETA * FACTOR


def test_momentum_sums_gradients_and_classical_momentum_sums_steps():
    A, x0 = bowl()

    def of_gradients(x, g, v, t):
        v = g if v is None else MU * v + g
        return x - falling_rate(t) * v, v

    def of_steps(x, g, v, t):
        v = -falling_rate(t) * g if v is None else MU * v - falling_rate(t) * g
        return x + v, v

    for name, rule in (("momentum", of_gradients), ("classical_momentum", of_steps)):
        found = iterates(Optimization(optimizer=name, **FALLING), lambda x: A @ x, x0)
        np.testing.assert_allclose(found, recursion(rule, lambda x: A @ x, x0), **CLOSE)


def test_nesterov_sums_gradients_and_nesterov_accelerated_gradient_sums_steps():
    """The second as in the paper, with the gradient at θ + μv, where our iterates are."""
    A, x0 = bowl()
    x, v, of_gradients = x0, np.zeros(4), [x0]
    for t in range(1, STEPS + 1):
        gradient = A @ x
        v = MU * v + gradient
        x = x - falling_rate(t) * (gradient + MU * v)
        of_gradients.append(x)
    theta, v, of_steps = x0, np.zeros(4), [x0]
    for t in range(1, STEPS + 1):
        v = MU * v - falling_rate(t) * A @ (theta + MU * v)
        theta = theta + v
        of_steps.append(theta + MU * v)
    for name, expected in (("nesterov", of_gradients), ("nesterov_accelerated_gradient", of_steps)):
        found = iterates(Optimization(optimizer=name, **FALLING), lambda x: A @ x, x0)
        np.testing.assert_allclose(found, expected, **CLOSE)


@pytest.mark.parametrize(("rule", "power"), [("momentum", 1), ("nesterov", 2)])
def test_where_the_rate_falls_the_sum_of_steps_coasts_on(rule, power):
    """Until then both forms agree. Then the velocity −ηv of before is scaled down with the rate or is not: the first
    step differs by (1 − factor) μη v, and by μ times as much for nesterov, whose iterates look one step ahead."""
    A, x0 = bowl()
    of_gradients = iterates(Optimization(optimizer=rule, **FALLING), lambda x: A @ x, x0)
    of_steps = iterates(Optimization(optimizer=RATE_INSIDE[rule], **FALLING), lambda x: A @ x, x0)
    np.testing.assert_allclose(of_gradients[: DROP + 1], of_steps[: DROP + 1], **CLOSE)
    summed = sum(MU ** (DROP - 1 - t) * A @ of_gradients[t] for t in range(DROP))
    expected = (1 - FACTOR) * MU**power * ETA * summed
    assert np.abs(expected).max() > 0.01
    np.testing.assert_allclose((of_gradients - of_steps)[DROP + 1], expected, rtol=1e-12, atol=1e-14)


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


def rates(steps: int, upto: int | None = None, **config) -> np.ndarray:
    schedule = learning_rate_schedule(Optimization(**{"learning_rate": 0.2} | config), steps)
    return np.array([schedule(jnp.float64(t)) for t in range((upto or steps) + 1)])


def test_constant_is_constant():
    np.testing.assert_array_equal(rates(20), np.full(21, 0.2))


@pytest.mark.parametrize("schedule", ["constant", "step", "cosine"])
def test_warm_up_rises_linearly_from_zero_to_the_peak(schedule):
    found = rates(50, schedule=schedule, warmup_steps=8)
    assert found[0] == 0
    assert found[8] == 0.2
    np.testing.assert_allclose(found[:9], 0.2 * np.arange(9) / 8, rtol=1e-14)


@pytest.mark.parametrize("warmup", [0, 4])
def test_step_schedule_falls_exactly_at_each_boundary(warmup):
    found = rates(30, schedule="step", warmup_steps=warmup, decay_steps=(10, 17), decay_factor=0.5)
    np.testing.assert_array_equal(found[warmup:10], np.full(10 - warmup, 0.2))
    np.testing.assert_allclose(found[10:17], np.full(7, 0.1), rtol=1e-15)
    np.testing.assert_allclose(found[17:], np.full(14, 0.05), rtol=1e-15)


@pytest.mark.parametrize("warmup", [0, 6])
def test_cosine_is_half_a_wave_from_the_peak_to_zero_at_the_last_step(warmup):
    found = rates(40, schedule="cosine", warmup_steps=warmup)
    t = np.arange(40 - warmup + 1)
    np.testing.assert_allclose(found[warmup:], 0.1 * (1 + np.cos(np.pi * t / (40 - warmup))), atol=1e-15)
    assert found[warmup] == 0.2
    assert found[40] == 0


def test_cosine_ends_at_its_floor():
    """nanoGPT's: half a wave from the peak down to a tenth of it."""
    found = rates(40, schedule="cosine", warmup_steps=8, learning_rate=1e-3, final_learning_rate=1e-4)
    wave = 0.5 * (1 + np.cos(np.pi * np.arange(32) / 32))
    np.testing.assert_allclose(found[8:40], 1e-4 + wave * 9e-4, rtol=1e-5)


def test_cosine_stays_at_zero_beyond_the_last_step():
    assert (rates(10, upto=30, schedule="cosine")[10:] == 0).all()


@pytest.mark.parametrize("schedule", ["constant", "step", "cosine"])
@pytest.mark.parametrize("warmup", [0, 5])
def test_the_optimizer_follows_its_schedule(schedule, warmup):
    config = {"schedule": schedule, "warmup_steps": warmup, "decay_steps": (8, 12)}
    optimization = Optimization(optimizer="sgd", learning_rate=0.2, **config)
    moves = -np.diff(iterates(optimization, lambda x: np.ones(1), np.zeros(1), 20)[:, 0])
    # Optax counts steps in int32, and a quotient of those may be a float32
    np.testing.assert_allclose(moves, rates(20, **config)[:20], atol=0.2 * 2**-22)
