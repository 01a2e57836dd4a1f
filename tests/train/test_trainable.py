"""What is not trainable has no part in training, whatever the optimizer; what is, trains as it would alone."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from tasks import batches, init_normalized, init_params, noisy_regression, normalized_regression, normalized_task, run

from train.optimizers import Optimization, make_optimizer
from train.players import Learner, Player, alternating, side_by_side
from train.task import supervised
from train.trainable import collection_of_params, count_parameters, trainable_mask, trainable_part, with_trainable_part

EVERYTHING = dict(weight_decay=0.3, l1=0.1, max_norm=0.5, clip_norm=0.1, clip_value=0.05, learning_rate=0.05)
OPTIMIZERS = {
    "adamw": lambda: make_optimizer(Optimization(optimizer="adamw", **EVERYTHING), 10),
    "momentum": lambda: make_optimizer(Optimization(optimizer="momentum", **EVERYTHING, penalized="kernels"), 10),
    "lamb": lambda: optax.lamb(0.1, weight_decay=0.3),
}


def alone(params, batch, keys):
    return noisy_regression(params["params"], batch, keys)


def beside_others(key):
    """The same weights, beside a collection of huge numbers and one of integers."""
    others = {"batch_stats": {"mean": jnp.full((4, 4), 1e6)}, "seen": {"batches": jnp.array(7)}}
    return {"params": init_params(key)} | others


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_other_collections_are_neither_seen_nor_moved_by_any_optimizer(make, float64):
    data = batches(3, 4)
    expected, rows = run(supervised(alone, lambda key: {"params": init_params(key)}, make()), data)
    found, metrics = run(supervised(alone, beside_others, make()), data)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12), found.params["params"], expected.params["params"]
    )
    np.testing.assert_allclose(metrics["gradient_norm"], rows["gradient_norm"], rtol=1e-12)
    jax.tree.map(
        np.testing.assert_array_equal, found.params["batch_stats"], beside_others(jax.random.key(0))["batch_stats"]
    )
    assert found.params["seen"]["batches"] == 7
    moments = [leaf.shape for leaf in jax.tree.leaves(found.opt_state)]
    assert moments == [leaf.shape for leaf in jax.tree.leaves(expected.opt_state)]


def test_a_frozen_trunk_keeps_its_bits_and_has_no_moments():
    state, _ = run(normalized_task(), batches(3, 6))
    start = normalized_task().init(jax.random.key(0)).params["params"]
    np.testing.assert_array_equal(state.params["params"]["trunk"], start["trunk"])
    assert np.all(state.params["params"]["first"] != start["first"])
    moments = state.opt_state[0].mu
    assert [leaf.shape for leaf in jax.tree.leaves(moments)] == [start["first"].shape, start["second"].shape]


def test_where_everything_descends_the_optimizers_state_is_its_own():
    params = init_params(jax.random.key(0))
    task, optimizer = supervised(noisy_regression, init_params, optax.adam(0.01)), optax.adam(0.01)
    assert jax.tree.structure(task.init(jax.random.key(0)).opt_state) == jax.tree.structure(optimizer.init(params))


NETWORK = {"params": {"kernel": 0}, "batch_stats": {"mean": 0}}


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"kernel": 0, "bias": (0, 0)}, {"kernel": True, "bias": (True, True)}),
        ({"params": {"kernel": 0}}, {"params": {"kernel": True}}),
        (NETWORK, {"params": {"kernel": True}, "batch_stats": {"mean": False}}),
        ({"params": {"params": 0, "other": 0}, "x": 0}, {"params": {"params": True, "other": True}, "x": False}),
        (
            {"encoder": NETWORK, "heads": (NETWORK, {"kernel": 0})},
            {
                "encoder": {"params": {"kernel": True}, "batch_stats": {"mean": False}},
                "heads": ({"params": {"kernel": True}, "batch_stats": {"mean": False}}, {"kernel": True}),
            },
        ),
    ],
)
def test_of_several_collections_the_params_descend_in_every_network(params, expected):
    assert trainable_mask(jax.tree.map(jnp.asarray, params), collection_of_params) == expected


def test_a_part_and_the_whole_are_inverse():
    params = jax.tree.map(jnp.asarray, {"params": {"a": 1, "b": 2}, "batch_stats": {"mean": 3}})
    part = trainable_part(params, lambda params: {"params": {"a": False, "b": True}, "batch_stats": False})
    assert jax.tree.leaves(part) == [2]
    doubled = jax.tree.map(lambda leaf: 2 * leaf, part)
    assert with_trainable_part(params, doubled) == {"params": {"a": 1, "b": 4}, "batch_stats": {"mean": 3}}


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"a": True}, "a bool for each parameter or subtree"),
        ({"a": 1.0, "b": True}, "return bools, got 1.0"),
        ({"a": False, "b": False}, "nothing would be trained"),
    ],
)
def test_a_mask_that_fits_no_parameter_is_refused(answer, message):
    with pytest.raises(ValueError, match=message):
        trainable_part({"a": jnp.zeros(2), "b": jnp.zeros(2)}, lambda params: answer)


def test_what_descends_is_counted():
    params = init_normalized(jax.random.key(0))
    assert count_parameters(params) == 5 * 7 + 7 + 5 * 7
    assert count_parameters(params, normalized_task().trainable) == 5 * 7 + 7
    assert count_parameters(params["params"]) == 5 * 7 + 7 + 5 * 7


def test_a_game_and_learners_know_what_each_of_them_trains():
    plain, frozen = (
        Learner(normalized_regression, init_normalized, optax.sgd(0.1), **fields)
        for fields in ({}, {"trainable": normalized_task().trainable})
    )
    task = side_by_side({"plain": plain, "frozen": frozen})
    params = {"plain": init_normalized(jax.random.key(0)), "frozen": init_normalized(jax.random.key(1))}
    assert count_parameters(params, task.trainable) == (35 + 7 + 35) + (35 + 7)
    assert count_parameters(params | {"start": jnp.zeros(3)}, task.trainable) == (35 + 7 + 35) + (35 + 7)
    game = alternating({"plain": Player(noisy_regression, optax.sgd(0.1))}, lambda key: params)
    assert count_parameters(params, game.trainable) == 35 + 7 + 35
