"""What follows a batch: oracles are NumPy's recursion, the power method and the silent faults that must be loud."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from tasks import (
    at,
    batches,
    follow,
    init_normalized,
    normalized_regression,
    normalized_task,
    regression_task,
    run,
    without_trunk,
)
from test_transforms import assert_close

from train.mesh import data_parallel, device_mesh
from train.players import Learner, Player, alternating, side_by_side
from train.precision import compute_in
from train.statistics import moving_average
from train.task import supervised
from train.transforms import accumulate


def mean_task(follow, statistics, loss=None, compute=lambda apply: apply):
    """Weighs its examples by one parameter and looks at their mean."""

    def loss_fn(params, batch, keys):
        losses = batch * params["params"]["w"]
        return losses, *(loss or ({},)), *statistics(params, batch)

    def init_params(key):
        return {"params": {"w": jnp.ones(())}, "batch_stats": {"mean": jnp.zeros(())}}

    return supervised(loss_fn, init_params, optax.sgd(0.1), follow)


def of_batch(params, batch):
    return ({"mean": batch.mean()},)


def test_a_moving_average_is_its_recursion(float64):
    data = np.random.default_rng(0).normal(3, 1, (20, 4))
    state, _ = run(mean_task(moving_average("batch_stats", 0.8), of_batch), jnp.asarray(data))
    expected = 0.0
    for batch in data:
        expected = 0.8 * expected + 0.2 * batch.mean()
    np.testing.assert_allclose(state.params["batch_stats"]["mean"], expected, rtol=1e-12)


def test_statistics_are_those_before_the_update_and_are_followed_after_it(float64):
    seen = []

    def look(params, statistics):
        seen.append((float(params["params"]["w"]), float(statistics["mean"])))
        return params

    task = mean_task(look, lambda params, batch: ({"mean": params["params"]["w"] * batch.mean()},))
    task.step(task.init(jax.random.key(0)), jnp.full(4, 2.0))
    np.testing.assert_allclose(seen, [(1 - 0.1 * 2, 2.0)], rtol=1e-12)


@pytest.mark.parametrize("transform", [lambda task: task, lambda task: accumulate(task, 2)], ids=["whole", "parts"])
def test_players_and_learners_follow_as_one_task_does(transform, float64):
    data = batches(3, 12)
    fields = {"follow": follow, "trainable": without_trunk}
    start = init_normalized(jax.random.key(3))

    def of_player(params, batch, keys):
        return normalized_regression(params["a"], batch, keys)

    optimizer = optax.adamw(0.01, weight_decay=0.1)
    game = alternating({"a": Player(of_player, optimizer, **fields)}, lambda key: {"a": start})
    learners = side_by_side({"a": Learner(normalized_regression, lambda key: start, optimizer, **fields)})
    alone = supervised(normalized_regression, lambda key: start, optimizer, follow, trainable=without_trunk)
    expected, metrics = run(alone, data)
    for task in (game, learners):
        found, rows = run(transform(task), data)
        assert_close(found.params["a"], expected.params)
        assert_close({name.removeprefix("a/"): value for name, value in rows.items()}, metrics)
        assert found.params["a"]["seen"]["batches"] == 3


def spectral_game():
    """A critic whose first kernel W is divided by uᵀWv, its power iteration being a collection of its own (Miyato et
    al. 2018, algorithm 1); it moves twice, the generator once, who looks at the critic and does not move its vector.
    """

    def critic(own, x):
        kernel = own["params"]["first"]
        left = kernel @ own["spectral"]["first"]
        left = jax.lax.stop_gradient(left / jnp.linalg.norm(left))
        right = jax.lax.stop_gradient(left @ kernel / jnp.linalg.norm(left @ kernel))
        return jnp.tanh(x @ kernel / (left @ kernel @ right)) @ own["params"]["second"], {"spectral": {"first": right}}

    def generate(params, keys):
        return jax.vmap(lambda key: jax.random.normal(key, (5,)))(keys) @ params["generator"]["params"]["kernel"]

    def discriminate(params, batch, keys):
        (real, statistics), (fake, _) = (critic(params["critic"], x) for x in (batch["x"], generate(params, keys)))
        return jax.nn.softplus(-real) + jax.nn.softplus(fake), {}, statistics

    def fool(params, batch, keys):
        return jax.nn.softplus(-critic(params["critic"], generate(params, keys))[0]), {}

    def init(key):
        a, b, c = jax.random.split(key, 3)
        kernels = {"first": jax.random.normal(a, (5, 7)), "second": jax.random.normal(b, (7,))}
        return {
            "critic": {"params": kernels, "spectral": {"first": jnp.ones(7) / 7**0.5}},
            "generator": {"params": {"kernel": jax.random.normal(c, (5, 5))}},
        }

    optimizer = optax.adamw(0.01, weight_decay=0.1)
    critics = Player(discriminate, optimizer, 2, lambda own, statistics: own | statistics)
    return alternating({"critic": critics, "generator": Player(fool, optimizer)}, init)


@pytest.mark.parametrize(
    "transform",
    [lambda task: accumulate(task, 3), lambda task: data_parallel(task, device_mesh(), how="pmap")],
    ids=["accumulate", "pmap"],
)
def test_a_power_iteration_is_the_same_in_parts_and_finds_the_singular_vector(transform, float64):
    data = batches(40, 12)
    state, metrics = run(spectral_game(), data)
    assert_close(run(transform(spectral_game()), data), (state, metrics))
    own = state.params["critic"]
    _, _, right = np.linalg.svd(own["params"]["first"])
    assert abs(right[0] @ np.asarray(own["spectral"]["first"])) > 0.99


def step(task):
    jax.eval_shape(task.step, jax.eval_shape(task.init, jax.random.key(0)), jnp.ones(4))


FOLLOW = moving_average("batch_stats", 0.9)
FAULTS = {
    "statistics that nothing follows": (
        lambda: mean_task(None, of_batch),
        "returns statistics, and there is no follow",
    ),
    "nothing to follow": (lambda: mean_task(FOLLOW, lambda *_: ()), "returns no statistics, and there is a follow"),
    "bfloat16": (
        lambda: mean_task(FOLLOW, lambda _, batch: ({"mean": batch.astype(jnp.bfloat16).mean()},)),
        r"statistics\['mean'\] are bfloat16.*float32",
    ),
    "whole numbers": (
        lambda: mean_task(FOLLOW, lambda _, batch: ({"mean": jnp.sum(batch > 0)},)),
        r"statistics\['mean'\] are int32",
    ),
    "another shape": (
        lambda: mean_task(FOLLOW, lambda _, batch: ({"mean": batch[:1]},)),
        r"statistics of 'batch_stats'\['mean'\]: expected float32\[\], got float32\[1\]",
    ),
    "another tree": (
        lambda: mean_task(FOLLOW, lambda _, batch: ({"mean": batch.mean(), "more": batch.mean()},)),
        r"\['more'\]: expected nothing, got float32\[\]",
    ),
    "another collection": (lambda: mean_task(moving_average("stats", 0.9), of_batch), "no collection 'stats'"),
    "a follow that drops": (
        lambda: mean_task(lambda params, statistics: {"params": params["params"]}, of_batch),
        r"after follow\['batch_stats'\]\['mean'\]: expected float32\[\], got nothing",
    ),
    "statistics among the metrics": (
        lambda: mean_task(FOLLOW, of_batch, loss=({"mean": jnp.zeros(())},)),
        r"metric mean has shape \(\): expected \(4,\), one value per example",
    ),
    "channels among the metrics": (
        lambda: mean_task(FOLLOW, of_batch, loss=({"mean": jnp.zeros((4, 7))},)),
        r"metric mean has shape \(4, 7\)",
    ),
    "a metric named loss": (
        lambda: mean_task(FOLLOW, of_batch, loss=({"loss": jnp.zeros(4)},)),
        "a metric cannot be named loss",
    ),
}


@pytest.mark.parametrize(("make", "message"), FAULTS.values(), ids=FAULTS)
def test_a_silent_fault_is_said_before_anything_runs(make, message):
    with pytest.raises(ValueError, match=message):
        step(make())


def test_a_loss_is_one_value_per_example():
    task = supervised(lambda params, batch, keys: (batch.mean() * params, {}), lambda key: jnp.ones(()), optax.sgd(0.1))
    with pytest.raises(ValueError, match=r"metric loss has shape \(\)"):
        step(task)


def test_a_running_mean_stays_float32_under_bfloat16():
    """5.00 and not where eight bits get stuck, 3.62; the network itself computes in bfloat16."""

    def apply(variables, x, mutable):
        wide = x.astype(jnp.float32)
        assert (x.dtype, variables["params"]["w"].dtype) == (jnp.bfloat16, jnp.bfloat16)
        assert variables["batch_stats"]["mean"].dtype == jnp.float32
        return x * variables["params"]["w"], {"batch_stats": {"mean": wide.mean()}}

    mixed = compute_in("bfloat16", apply)

    def loss_fn(params, batch, keys):
        losses, updated = mixed(params, batch, mutable=["batch_stats"])
        return losses, {}, updated["batch_stats"]

    start = {"params": {"w": jnp.zeros(())}, "batch_stats": {"mean": jnp.zeros(())}}
    task = supervised(loss_fn, lambda key: start, optax.sgd(0.0), moving_average("batch_stats", 0.99))
    state, _ = jax.jit(lambda state, data: jax.lax.scan(task.step, state, data))(
        task.init(jax.random.key(0)), jnp.full((2000, 4), 5.0)
    )
    np.testing.assert_allclose(state.params["batch_stats"]["mean"], 5.0, atol=1e-4)


def test_statistics_that_a_module_took_in_bfloat16_are_refused():
    def apply(variables, x, mutable):
        return x, {"batch_stats": {"mean": x.mean()}, "intermediates": {"x": x}}

    start = {"params": {"w": jnp.zeros(())}, "batch_stats": {"mean": jnp.zeros(())}}
    with pytest.raises(ValueError, match="batch_stats/mean came back in bfloat16"):
        compute_in("bfloat16", apply)(start, jnp.ones(4), mutable=["batch_stats"])
    only_looked_at = compute_in("bfloat16", lambda *given, mutable: (1.0 * given[1], {"intermediates": given[1]}))
    assert only_looked_at(start, jnp.ones(4), mutable=["intermediates"])[1]["intermediates"].dtype == jnp.float32


def test_the_norm_of_the_gradient_is_that_of_the_whole_batch_before_clipping(float64):
    data = batches(2, 12)
    batch = at(data, 0)
    clipped = regression_task(optax.chain(optax.clip_by_global_norm(1e-3), optax.adam(0.01)))
    state = clipped.init(jax.random.key(0))
    keys = jax.random.split(jax.random.fold_in(jax.random.fold_in(state.key, 0), 0), 12)
    descent, _ = clipped.phases[0].gradient(state, batch, keys)
    expected = np.sqrt(sum(np.sum(np.square(leaf)) for leaf in jax.tree.leaves(descent.gradient)))
    assert expected > 0.1
    for task in (clipped, accumulate(clipped, 4), data_parallel(clipped, device_mesh(), how="pmap")):
        np.testing.assert_allclose(run(task, data)[1]["gradient_norm"][0], expected, rtol=1e-9)


def test_an_evaluated_network_has_the_moments_of_its_examples(float64):
    """Without a memory the running statistics are those of the last batch."""
    task = supervised(normalized_regression, init_normalized, optax.sgd(0.0), moving_average("batch_stats", 0.0))
    data = batches(2, 6)
    state, _ = run(task, data)
    weights = state.params["params"]
    groups = np.asarray(at(data, 1)["x"] @ (weights["trunk"] + weights["first"])).reshape(2, 3, 7)
    np.testing.assert_allclose(state.params["batch_stats"]["mean"], groups.mean(axis=(0, 1)), rtol=1e-12)
    np.testing.assert_allclose(state.params["batch_stats"]["variance"], groups.var(axis=1).mean(axis=0), rtol=1e-12)
    assert normalized_task().trainable(state.params)["batch_stats"] is False
