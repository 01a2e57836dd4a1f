"""What is frozen keeps its bits and costs nothing; the rest trains as if what is frozen were constants."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from tasks import (
    FROZEN,
    batches,
    frozen_task,
    game_task,
    init_normalized,
    init_params,
    noisy_regression,
    normalized_task,
    regression_task,
    run,
)
from test_trainable import OPTIMIZERS

from train.players import Learner, side_by_side
from train.task import Task, supervised
from train.trainable import count_parameters
from train.transforms import accumulate, average_parameters, by_path, freeze, starting_from


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_the_others_train_as_beside_a_constant(make, float64):
    data, start = batches(4, 6), init_params(jax.random.key(5))

    def beside_a_constant(params, batch, keys):
        return noisy_regression({"first": start["first"], "second": params["second"]}, batch, keys)

    alone = supervised(beside_a_constant, lambda key: {"second": start["second"]}, make())
    expected, rows = run(alone, data)
    state, metrics = run(starting_from(freeze(regression_task(make()), ["first"]), start), data)
    np.testing.assert_array_equal(state.params["first"], start["first"])
    np.testing.assert_allclose(state.params["second"], expected.params["second"], rtol=1e-12)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12), metrics, rows)
    shapes = [[leaf.shape for leaf in jax.tree.leaves(each.opt_state)] for each in (state, expected)]
    assert shapes[0] == shapes[1]


def test_parts_of_weights_and_of_statistics_keep_their_bits_and_all_others_move():
    """Also in the running average of the parameters, which is evaluated."""
    data = batches(5, 6)
    task = average_parameters(frozen_task(), 0.9)
    start = by_path(jax.jit(task.init)(jax.random.key(0)).params)
    state, _ = run(task, data)
    kept = {*FROZEN, "params/trunk"}  # the task's own trainable leaves the trunk out
    for params in (state.params, state.carried["average"]):
        same = {path for path, leaf in by_path(params).items() if np.array_equal(leaf, start[path])}
        assert same == kept
    assert count_parameters(state.params, task.trainable) == start["params/first"].size
    assert [leaf.shape for leaf in jax.tree.leaves(state.opt_state[0].mu)] == [start["params/first"].shape]


def test_a_whole_collection_is_frozen_by_its_name():
    state, _ = run(freeze(normalized_task(), ["batch_stats", "seen"]), batches(2, 6))
    start = init_normalized(jax.random.key(0))
    for name in ("batch_stats", "seen"):
        jax.tree.map(np.testing.assert_array_equal, state.params[name], start[name])


def test_one_player_and_one_learner_are_frozen_in_part():
    data = batches(3, 6)
    state, _ = run(freeze(game_task(), ["defender/first"]), data)
    start = jax.jit(game_task().init)(jax.random.key(0)).params
    np.testing.assert_array_equal(state.params["defender"]["first"], start["defender"]["first"])
    assert np.all(state.params["defender"]["second"] != start["defender"]["second"])
    assert state.params["attacker"]["shift"] != start["attacker"]["shift"]
    learner = Learner(noisy_regression, init_params, optax.adam(0.01))
    learners = freeze(side_by_side({"a": learner, "b": learner}), ["b/second"])
    state, _ = run(learners, data)
    moments = {name: [leaf.shape for leaf in jax.tree.leaves(state.opt_state[name][0].mu)] for name in "ab"}
    assert moments == {"a": [(5, 7), (7,)], "b": [(5, 7)]}
    assert count_parameters(state.params, learners.trainable) == 2 * 35 + 7


def test_a_name_is_no_part_of_a_longer_one():
    task = supervised(
        lambda params, batch, keys: (batch["y"] * params["head"] * params["head_2"], {}),
        lambda key: {"head": jnp.ones(()), "head_2": jnp.ones(())},
        optax.sgd(0.1),
    )
    state, _ = run(freeze(task, ["head"]), batches(1, 4))
    assert state.params["head"] == 1
    assert state.params["head_2"] != 1


@pytest.mark.parametrize(
    ("freeze_it", "message"),
    [
        (lambda: freeze(regression_task(), ["third"]), "no parameter third"),
        (lambda: freeze(regression_task(), ["first", "second"]), "nothing would be trained"),
        (lambda: freeze(accumulate(regression_task(), 2), ["first"]), "inside of other transforms"),
        (lambda: freeze(starting_from(regression_task(), {}), ["first"]), "inside of other transforms"),
        (lambda: freeze(Task(regression_task().init, regression_task().step), ["first"]), "by an optimiser"),
    ],
)
def test_what_cannot_be_frozen_is_said(freeze_it, message):
    with pytest.raises(ValueError, match=message):
        freeze_it().init(jax.random.key(0))
