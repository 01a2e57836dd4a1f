"""A real network with batch normalisation in bfloat16: every execution form has the statistics of the plain one."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from models.batch_norm import COLLECTION
from models.convnets.pattern_net import pattern_net
from train.mesh import data_parallel, device_mesh, fully_sharded
from train.precision import compute_in
from train.statistics import moving_average
from train.task import seed_keys, supervised
from train.transforms import accumulate, ensemble

GROUP, BATCH, STEPS = 4, 8, 3
FORMS = {
    "two parts": lambda task: accumulate(task, 2),
    "two devices": lambda task: data_parallel(task, device_mesh(), how="sharding"),
    "pmap": lambda task: data_parallel(task, device_mesh(), how="pmap"),
    "divided parameters": lambda task: fully_sharded(task, device_mesh()),
}


def task_in(precision):
    model = pattern_net("CONV 4 → BN → RELU → CONV 3 stride 2 → BN → RELU → FC", 3, group=GROUP)
    apply = compute_in(precision, model.apply)

    def loss_fn(params, batch, keys):
        logits, observed = apply(params, batch["x"], training=True, mutable=[COLLECTION])
        losses = optax.losses.softmax_cross_entropy_with_integer_labels(logits, batch["y"])
        return losses, {}, observed[COLLECTION]

    def init(key):
        return model.init(key, jnp.zeros((1, 6, 6, 2)))

    return supervised(loss_fn, init, optax.sgd(0.05), moving_average(COLLECTION, 0.5))


def batches(seed=0):
    rng = np.random.default_rng(seed)
    images = 2.0 + 3.0 * rng.normal(size=(STEPS, BATCH, 6, 6, 2))
    return {"x": jnp.asarray(images, jnp.float32), "y": jnp.asarray(rng.integers(3, size=(STEPS, BATCH)), jnp.int32)}


def statistics_after(task, data, state):
    step = jax.jit(task.step)
    for number in range(STEPS):
        state, _ = step(state, jax.tree.map(lambda leaf: leaf[number], data))
    return state.params[COLLECTION]


@pytest.fixture(scope="module")
def plain():
    """By precision the statistics after three steps."""
    key = jax.random.key(0)
    return {
        precision: statistics_after(task := task_in(precision), batches(), jax.jit(task.init)(key))
        for precision in ("bfloat16", "float32")
    }


def assert_float32_and_close(statistics, expected):
    """To bfloat16's eight bits, of deviations of about 10."""
    assert {leaf.dtype for leaf in jax.tree.leaves(statistics)} == {jnp.dtype(jnp.float32)}
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=0.02, atol=0.05), statistics, expected)


def test_they_are_those_of_float32_to_eight_bits_and_have_moved(plain):
    assert_float32_and_close(plain["bfloat16"], plain["float32"])
    assert max(abs(leaf).max() for leaf in jax.tree.leaves(plain["bfloat16"])) > 5
    rounded = jax.tree.map(lambda leaf: leaf == leaf.astype(jnp.bfloat16).astype(jnp.float32), plain["bfloat16"])
    assert not any(leaf.all() for leaf in jax.tree.leaves(rounded))


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_however_a_step_is_executed(plain, form):
    task = form(task_in("bfloat16"))
    assert_float32_and_close(statistics_after(task, batches(), task.init(jax.random.key(0))), plain["bfloat16"])


@pytest.mark.parametrize("how", ["map", "vmap"])
def test_in_an_ensemble(plain, how):
    task = ensemble(task_in("bfloat16"), how=how)
    together = jax.tree.map(lambda *leaves: jnp.stack(leaves, axis=1), batches(1), batches(0))
    statistics = statistics_after(task, together, jax.jit(task.init)(seed_keys([7, 0])))
    assert_float32_and_close(jax.tree.map(lambda leaf: leaf[1], statistics), plain["bfloat16"])
