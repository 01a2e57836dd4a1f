"""What follows the batch instead of descending: the same in every form of execution, and never the optimiser's."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from tasks import at, batches, init_normalized, normalized_regression, normalized_task, regression_task, run

from train.mesh import data_parallel, device_mesh, fully_sharded
from train.optimizers import Optimization, make_optimizer
from train.precision import compute_in
from train.statistics import moving_average
from train.task import Player, alternating, evaluation_params, seed_keys, supervised
from train.trainable import count_parameters
from train.transforms import accumulate, average_parameters, ensemble, scan

STEPS, SIZE = 3, 8
MESH = device_mesh()
FOLLOW = moving_average("running", 0.9)


def data():
    return batches(STEPS, SIZE)


def assert_close(one, other, tolerance=1e-9):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance), one, other)


def as_ensemble(how):
    def transformed(task):
        together = ensemble(scan(task, STEPS), how=how)
        state, metrics = jax.jit(together.step)(
            jax.jit(together.init)(seed_keys([0, 1])), jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), data())
        )
        return at(state, 0), at(metrics, 0)

    return transformed


FORMS = {
    "accumulated": lambda task: run(accumulate(task, 4), data()),
    "sharded": lambda task: run(data_parallel(task, MESH), data()),
    "fully sharded": lambda task: run(fully_sharded(task, MESH), data()),
    "pmapped": lambda task: eager(data_parallel(task, MESH, how="pmap")),
    "mapped seeds": as_ensemble("map"),
    "vmapped seeds": as_ensemble("vmap"),
}


def eager(task):
    state, rows = task.init(jax.random.key(0)), []
    for step in range(STEPS):
        state, metrics = task.step(state, at(data(), step))
        rows.append(metrics)
    return state, jax.tree.map(lambda *leaves: jnp.stack(leaves), *rows)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_follows_the_same_statistics(form, float64):
    expected, expected_metrics = run(normalized_task(), data())
    state, metrics = FORMS[form](normalized_task())
    assert_close(state.params, expected.params)
    assert_close(metrics, expected_metrics)


def test_statistics_are_the_moving_average_of_the_batches(float64):
    """By hand, from what the loss observes at the parameters of each step."""
    task, decay = normalized_task(optax.sgd(0.1)), 0.9
    state, expected = task.init(jax.random.key(0)), np.zeros(7)
    for step in range(STEPS):
        keys = jax.random.split(jax.random.fold_in(jax.random.fold_in(state.key, step), 0), SIZE)
        seen = normalized_regression(state.params, at(data(), step), keys)[2]["mean"]
        expected = decay * expected + (1 - decay) * np.asarray(seen)
        state, _ = task.step(state, at(data(), step))
    np.testing.assert_allclose(state.params["running"]["mean"], expected, rtol=1e-12)


@pytest.mark.parametrize(
    "fields", [{"weight_decay": 0.9}, {"l1": 0.9}, {"max_norm": 1e-3}, {"optimizer": "adamw", "weight_decay": 0.9}]
)
def test_no_penalty_reaches_the_statistics(fields):
    """What they follow is 0 here, so whatever moves them is the optimiser."""

    def loss_fn(params, batch, keys):
        losses, metrics, _ = normalized_regression(params, batch, keys)
        return losses, metrics, params["running"]

    optimizer = make_optimizer(Optimization(learning_rate=0.1, **fields), 10)
    state, _ = run(supervised(loss_fn, init_normalized, optimizer, moving_average("running", 0.5)), data())
    np.testing.assert_array_equal(state.params["running"]["square"], np.ones(7))
    assert len(jax.tree.leaves(state.opt_state)) <= 1 + 2 * 2 + 1, "moments of the two kernels alone"


def test_a_norm_that_is_clipped_is_that_of_what_descends():
    """Statistics have no gradient to share in it."""
    state, metrics = run(normalized_task(optax.sgd(0.0)), data())
    keys = jax.random.split(jax.random.fold_in(jax.random.fold_in(state.key, 0), 0), SIZE)
    start = init_normalized(jax.random.fold_in(jax.random.key(0), 0))

    def loss(network):
        return normalized_regression(start | {"params": network}, at(data(), 0), keys)[0].mean()

    expected = optax.tree.norm(jax.grad(loss)(start["params"]))
    np.testing.assert_allclose(metrics["gradient_norm"][0], expected, rtol=1e-5)


def test_what_is_counted_descends():
    task = normalized_task()
    params = init_normalized(jax.random.key(0))
    assert count_parameters(params, task.trainable) == 5 * 7 + 7

    def head_alone(params):
        return {"params": {"first": False, "second": True}, "running": False, "count": False}

    frozen = supervised(
        normalized_regression, init_normalized, optax.adam(0.1), moving_average("running", 0.9), head_alone
    )
    assert count_parameters(params, average_parameters(accumulate(frozen, 2), 0.9).trainable) == 7
    state, _ = run(frozen, data())
    start = jax.jit(frozen.init)(jax.random.key(0))
    np.testing.assert_array_equal(state.params["params"]["first"], start.params["params"]["first"])
    assert not np.allclose(state.params["params"]["second"], start.params["params"]["second"])


def test_a_player_who_makes_no_updates_is_not_counted():
    players = {
        "a": Player(lambda p, b, k: (b["y"], {}), optax.sgd(0.1)),
        "b": Player(None, optax.identity(), updates=0),
    }
    task = alternating(players, lambda key: {"a": jnp.zeros(3), "b": jnp.zeros(50)})
    assert count_parameters({"a": jnp.zeros(3), "b": jnp.zeros(50)}, task.trainable) == 3


def test_players_follow_their_own_statistics(float64):
    def loss_fn(params, batch, keys):
        return normalized_regression(params["one"], batch, keys)

    player = Player(loss_fn, optax.sgd(0.1), follow=FOLLOW)
    alone, _ = run(
        supervised(normalized_regression, init_normalized, optax.sgd(0.1), moving_average("running", 0.9)), data()
    )
    game, _ = run(alternating({"one": player}, lambda key: {"one": init_normalized(key)}), data())
    assert_close(game.params["one"], alone.params)


def test_averaged_weights_have_averaged_statistics(float64):
    """By hand; the count, which is no float, is the newest."""
    decay, task = 0.8, normalized_task()
    averaged, state = average_parameters(task, decay), task.init(jax.random.key(0))
    expected = {name: state.params[name] for name in ("params", "running")}
    for step in range(STEPS):
        state, _ = task.step(state, at(data(), step))
        expected = jax.tree.map(
            lambda a, p: decay * a + (1 - decay) * p, expected, {n: state.params[n] for n in expected}
        )
    found = evaluation_params(run(averaged, data())[0])
    assert_close({name: found[name] for name in expected}, expected)
    assert found["count"].dtype == jnp.int32


def test_a_running_mean_does_not_get_stuck_in_bfloat16():
    """The mean of what is always 5 comes to 5; with steps rounded to bfloat16 it stops at 3.62."""

    def apply(params, inputs):
        activations = inputs @ params["params"]["kernel"]
        return activations, {"mean": activations.astype(params["running"]["mean"].dtype).mean(axis=0)}

    mixed = compute_in("bfloat16", apply)

    def loss_fn(params, batch, keys):
        outputs, observed = mixed(params, batch["x"])
        return outputs[:, 0] * 0.0, {}, observed

    def init(key):
        return {"params": {"kernel": jnp.full((1, 1), 5.0)}, "running": {"mean": jnp.zeros(1)}}

    task = supervised(loss_fn, init, optax.sgd(0.0), moving_average("running", 0.99))
    state, _ = run(scan(task, 2000), {"x": jnp.ones((1, 2000, 4, 1))})
    np.testing.assert_allclose(state.params["running"]["mean"], 5.0, atol=1e-3)


def wrong(losses=None, statistics=(), follow=None, metrics=None):
    def loss_fn(params, batch, keys):
        made, measured, seen = normalized_regression(params, batch, keys)
        return made if losses is None else losses, metrics or measured, *(statistics(seen) if statistics else ())

    return supervised(loss_fn, init_normalized, optax.sgd(0.1), follow)


FAULTS = {
    "nothing follows": (wrong(statistics=lambda seen: (seen,)), "returns statistics, and nothing follows them"),
    "nothing to follow": (wrong(follow=FOLLOW), "returns none to follow"),
    "as a metric": (wrong(metrics={"mean": jnp.zeros(7)}), "metric mean has shape"),
    "a scalar metric": (wrong(metrics={"scale": jnp.zeros(())}), "metric scale has shape"),
    "half precision": (
        wrong(statistics=lambda seen: (jax.tree.map(lambda leaf: leaf.astype(jnp.bfloat16), seen),), follow=FOLLOW),
        "bfloat16: take the mean over the batch in float32",
    ),
    "another tree": (wrong(statistics=lambda seen: ({"mean": seen["mean"]},), follow=FOLLOW), "square"),
    "another shape": (wrong(statistics=lambda seen: (seen | {"mean": seen["mean"][:2]},), follow=FOLLOW), "mean"),
    "no such collection": (
        wrong(statistics=lambda seen: (seen,), follow=moving_average("batch_stats", 0.9)),
        "no collection 'batch_stats'",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_would_fail_silently_is_refused_while_tracing(fault):
    task, said = FAULTS[fault]
    state = jax.eval_shape(task.init, jax.random.key(0))
    with pytest.raises(ValueError, match=said):
        jax.eval_shape(task.step, state, at(data(), 0))


def test_where_all_descends_the_optimisers_state_is_as_it_was():
    """So that checkpoints of other tasks stay what they are."""
    optimizer = make_optimizer(dataclasses.replace(Optimization(), weight_decay=0.1), 10)
    state = regression_task(optimizer).init(jax.random.key(0))
    assert jax.tree.structure(state.opt_state) == jax.tree.structure(optimizer.init(state.params))


def test_only_kernels_are_penalized_where_it_is_said_so(float64):
    """The bias descends as without the penalty."""
    params = {"kernel": jnp.ones((2, 2)), "bias": jnp.ones(2)}
    gradient = jax.tree.map(lambda leaf: 0.1 * leaf, params)
    for fields in ({"weight_decay": 0.5}, {"l1": 0.5}):
        config = Optimization(optimizer="sgd", learning_rate=1.0, penalized="kernels", **fields)
        optimizer = make_optimizer(config, 10)
        updates, _ = optimizer.update(gradient, optimizer.init(params), params)
        np.testing.assert_allclose(updates["bias"], -0.1)
        np.testing.assert_allclose(updates["kernel"], -0.6)
