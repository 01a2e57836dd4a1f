"""A run's task and metrics are made once, outside of every compiled program, with a context inside of each; and what
asks the same of them shares one trace.
"""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from experiments.datasets import Dataset
from experiments.run.run import Run, first_seed
from experiments.run.settings import Settings, configure
from experiments.run.summary import flops_per_step
from train.loop import advance
from train.mesh import place_elements
from train.task import supervised

EXAMPLES = {"x": np.arange(6, dtype=np.float32)}


def run_with(context, seen):
    """Of an experiment that computes something from its data before it trains and measures."""

    def prepared(dataset):
        seen.append(isinstance(jnp.sum(jnp.asarray(dataset.splits["train"]["x"])), jax.core.Tracer))
        return sum((leaf.sum() for leaf in jax.tree.leaves(dataset.context)), start=jnp.zeros(()))

    def task(settings, dataset):
        offset = prepared(dataset)
        return supervised(lambda p, b, k: ((p - offset) * b["x"], {}), lambda key: jnp.ones(()), optax.sgd(0.1))

    def metrics(settings, dataset):
        offset = prepared(dataset)
        return lambda params, batch, keys: {"shifted": batch["x"] + offset}

    splits = dict.fromkeys(("train", "valid", "test"), EXAMPLES)
    dataset = Dataset("made", "made", "none", splits, context=context)
    settings = configure(Settings(), evaluation_batch=2)
    return Run("made", "default", SimpleNamespace(task=task), settings, dataset), metrics


@pytest.mark.parametrize(
    ("context", "traced"), [((), [False, False]), ({"edges": np.ones(3, np.float32)}, [True, True])]
)
def test_what_is_prepared_is_part_of_a_program_only_with_a_context(context, traced):
    seen = []
    run, metrics = run_with(context, seen)
    task_of, evaluate = run.task_of(), run.evaluator(run.metric_of(metrics), "test")
    jax.eval_shape(lambda state, batch, context: task_of(context).step(state, batch), *beginning(run), context)
    found = evaluate(jnp.ones(1))
    assert seen == traced
    np.testing.assert_allclose(found["shifted"], [EXAMPLES["x"] + (3 if context else 0)])


def beginning(run):
    key, batch = jax.random.key(0), jax.tree.map(jnp.asarray, EXAMPLES)
    state = supervised(lambda p, b, k: (b["x"], {}), lambda key: jnp.ones(()), optax.sgd(0.1)).init(key)
    return state, batch


def test_training_and_the_count_of_its_flops_share_a_trace():
    traced = []

    def loss_fn(params, batch, keys):
        traced.append(True)
        return params * batch["x"], {}

    def task(settings, dataset):
        return supervised(loss_fn, lambda key: jnp.ones(()), optax.sgd(0.1))

    run, _ = run_with((), [])
    run = run._replace(experiment=SimpleNamespace(task=task), settings=configure(run.settings, batch_size=6))
    task_of, saved, where = run.task_of(), run.beginning(), run.where()
    chunk = advance(task_of, run.feed(), 2, "map", where)
    resident, elements = jax.device_put((run.feed().resident, ()), where.replicated), np.zeros((1, 2, 6), np.int32)
    jax.jit(chunk).lower(saved.state, resident, place_elements(elements, where, part_of_batch=False))
    by_training = len(traced)
    one = jax.eval_shape(first_seed, saved.state)
    assert flops_per_step(run, task_of(()), one) == 2  # of the gradient's norm
    assert len(traced) == by_training > 0


def test_measuring_and_the_choice_of_its_batch_share_a_trace():
    traced = []

    def metrics(settings, dataset):
        def measure(params, batch, keys):
            traced.append(True)
            return {"x": params * batch["x"]}

        return measure

    run, _ = run_with((), [])
    params, metric_of = jax.device_put(jnp.ones(1), run.where().replicated), run.metric_of(metrics)
    assert run.answering_batch(metric_of, params) == 2
    run.evaluator(metric_of, "test", batch=2)(params)
    assert len(traced) == 1
