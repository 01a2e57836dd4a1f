"""Ratios: the sum of totals over the sum of counts, whatever the batch, the parts, the devices and the chunk."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from train.evaluation import WholeSet, evaluator, whole_set_evaluator
from train.feed import resident_feed
from train.loop import advance
from train.measures import Ratio, average, batch_means
from train.mesh import data_parallel, device_mesh, one_device, placement
from train.task import supervised
from train.transforms import accumulate, scan

TOTAL = np.asarray([3.0, 1.0, 8.0, 2.0, 5.0, 4.0], np.float32)
COUNT = np.asarray([1.0, 4.0, 2.0, 1.0, 3.0, 5.0], np.float32)
RATIO = TOTAL.sum(dtype=np.float64) / COUNT.sum(dtype=np.float64)
EXAMPLES = {"total": TOTAL, "count": COUNT}


def metric_of(context):
    return lambda params, batch, keys: {"ratio": Ratio(params["scale"] * batch["total"], batch["count"])}


@pytest.mark.parametrize("batch", [1, 2, 4, 6, 50])
def test_the_mean_of_a_ratio_is_that_of_the_sums(batch):
    """A mean of the examples' own ratios would be 2.07 here, and one of batches would move with their size."""
    measure = evaluator(metric_of, EXAMPLES, (0, 1), batch=batch, where=one_device())
    found = average(measure({"scale": jnp.asarray([1.0, 2.0])}))["ratio"]
    np.testing.assert_allclose(found, [RATIO, 2 * RATIO], rtol=1e-7)


def loss_fn(params, batch, keys):
    return params["w"] * batch["total"], {"ratio": Ratio(batch["total"], batch["count"])}


TASK = supervised(loss_fn, lambda key: {"w": jnp.ones(())}, optax.sgd(0.0))
FORMS = {
    "whole": TASK,
    "accumulated": accumulate(TASK, 3),
    "sharded": data_parallel(TASK, device_mesh()),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_step_measures_the_ratio_of_the_whole_batch(form):
    _, metrics = jax.jit(FORMS[form].step)(FORMS[form].init(jax.random.key(0)), jax.tree.map(jnp.asarray, EXAMPLES))
    assert metrics["ratio"].total / metrics["ratio"].count == pytest.approx(RATIO, rel=1e-6)


def test_a_chunk_measures_the_ratio_of_all_its_steps():
    steps = jax.tree.map(lambda leaf: jnp.asarray(leaf).reshape(3, 2), EXAMPLES)
    _, metrics = jax.jit(scan(TASK, 3).step)(TASK.init(jax.random.key(0)), steps)
    found = average(jax.tree.map(lambda leaf: np.asarray(leaf)[None], metrics))["ratio"]
    np.testing.assert_allclose(found, [RATIO], rtol=1e-6)


def test_means_are_taken_in_double_precision():
    """Ten million halves and a half: float32 sums of them stop at 8,388,608."""
    values = np.full((1, 40_000), 16_777_217, np.float32)
    values[:, ::2] = 1.0
    exact = values.astype(np.float64).mean()
    np.testing.assert_allclose(average({"a": values})["a"], [exact], rtol=1e-15)
    np.testing.assert_allclose(average({"a": Ratio(values, np.ones_like(values))})["a"], [exact], rtol=1e-15)


@pytest.mark.parametrize("value", [jnp.zeros(()), jnp.zeros(5), jnp.zeros((6, 2))])
def test_a_metric_has_one_number_an_example(value):
    with pytest.raises(ValueError, match=r"metric wrong has shape"):
        batch_means({"wrong": value}, 6)


def test_a_whole_set_is_measured_once_a_seed_by_one_program():
    """Its data are an argument; a seed among others has the bits of the seed alone."""
    traced = []

    def measure(params, data, key):
        traced.append(1)
        noise = jax.random.normal(key, data.shape)
        return {"median": jnp.median(params["scale"] * data + noise)}

    whole, params = WholeSet(TOTAL, measure), {"scale": jnp.asarray([1.0, 2.0, 3.0])}
    found = whole_set_evaluator(whole, (4, 5, 6), where=one_device())(params)["median"]
    assert len(traced) == 1
    assert found.shape == (3,)
    alone = whole_set_evaluator(whole, (5,), where=one_device())({"scale": params["scale"][1:2]})["median"]
    assert alone[0] == found[1]
    divided = whole_set_evaluator(whole, (4, 5, 6), where=placement("batch", device_mesh()))(params)["median"]
    np.testing.assert_array_equal(divided, found)


def test_what_the_host_concludes_has_its_precision():
    """It gets what was measured of one seed after the other, as arrays of NumPy."""

    def conclude(seen):
        assert isinstance(seen["values"], np.ndarray)
        return {"mean": seen["values"].mean(dtype=np.float64)}

    whole = WholeSet(TOTAL, lambda params, data, key: {"values": params["scale"] * data}, conclude)
    found = whole_set_evaluator(whole, (4, 5), where=one_device())({"scale": jnp.asarray([1.0, 3.0])})["mean"]
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, TOTAL.mean(dtype=np.float64) * np.array([1.0, 3.0]), rtol=1e-6)


def test_a_context_is_an_argument_of_the_programs(tmp_path):
    """One compiled chunk serves every context: none is a constant of it. So do evaluations."""
    graph = np.arange(3.0, dtype=np.float32)

    def task_of(context):
        return supervised(
            lambda params, batch, keys: ((params["w"] - context["edges"].sum()) ** 2 * batch["total"], {}),
            lambda key: {"w": jnp.zeros(())},
            optax.sgd(0.01),
        )

    feed, where = resident_feed({"total": TOTAL}, (0,), 2), one_device()
    state = jax.tree.map(lambda leaf: leaf[None], task_of({"edges": graph}).init(jax.random.key(0)))
    elements = next(feed.read([(0, 2)]))
    chunk = jax.jit(advance(task_of, feed, 2, "map", where))
    losses = [float(chunk(state, (feed.resident, {"edges": graph * k}), elements)[1]["loss"][0, 0]) for k in (1, 2)]
    assert losses[1] == pytest.approx(4 * losses[0])
    assert chunk._cache_size() == 1

    def shifted(context):
        return lambda params, batch, keys: {"shifted": batch["total"] + context["edges"].sum()}

    measure = evaluator(shifted, EXAMPLES, (0,), batch=4, where=where, context={"edges": graph})
    np.testing.assert_allclose(measure({"scale": jnp.ones(1)})["shifted"], [TOTAL + 3])
