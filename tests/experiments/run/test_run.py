"""A run's task and metrics are made once, outside of every compiled program; with a context, inside of each."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from experiments.datasets import Dataset
from experiments.run.run import Run
from experiments.run.settings import Settings, configure
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
