"""An experiment that is trained, and what it measures: without a run folder at any evaluation batch, or as a run."""

import jax
import jax.numpy as jnp
import numpy as np
from typecheck import unchecked

from experiments.run import runner
from experiments.run.registry import load
from experiments.run.run import prepare
from experiments.run.runner import measure_test_split
from experiments.run.settings import configure
from train.feed import example_indices, size_of
from train.measures import average
from train.task import evaluation_params

LARGEST_BATCH, SMALLER_BATCHES = 250, (33, 7, 1)


def trained(name, settings):
    """The run, and its parameters after all steps, on the batches that it takes: those of one seed, stacked."""
    run = prepare(name, "default", settings)
    task, loop = run.task(), settings.loop
    examples = jax.tree.map(jnp.asarray, run.dataset.splits["train"])
    order = example_indices(settings.seeds.seed, size_of(examples), 0, loop.steps * loop.batch_size)
    rows = order.reshape(loop.steps, loop.batch_size)

    def step(state, index):
        return task.step(state, jax.tree.map(lambda leaf: leaf[index], examples))[0], None

    state = jax.jit(lambda key: jax.lax.scan(step, task.init(key), rows)[0])(jax.random.key(settings.seeds.seed))
    return run, jax.tree.map(lambda leaf: leaf[None], evaluation_params(state))


def measured(run, params, batch=250):
    """Metrics of the test split, of the one seed."""
    run = run._replace(settings=configure(run.settings, evaluation_batch=batch))
    return {name: value[0] for name, value in measure_test_split(run, params, lambda: None).items()}


def held_out(run, params, batch=250):
    """What is measured while training, of the one seed."""
    run = run._replace(settings=configure(run.settings, evaluation_batch=batch))
    measure = run.evaluator(run.metric_of(run.experiment.monitored_metrics), run.dataset.held_out)
    return {f"held-out {name}": value[0] for name, value in average(measure(params)).items()}


def assert_same_at_every_evaluation_batch(run, params):
    """Every number is that of the largest batch; returns the numbers of the first 40 examples of each split."""
    few = {split: run.dataset.head(split, 40) for split in {"test", run.dataset.held_out}}
    run = run._replace(dataset=run.dataset._replace(splits=run.dataset.splits | few))
    first, shown = measured(run, params, LARGEST_BATCH), held_out(run, params, LARGEST_BATCH)
    with unchecked():
        others = [(measured(run, params, batch), first) for batch in SMALLER_BATCHES]
        others.append((held_out(run, params, 7), shown))
    for other, expected in others:
        assert other.keys() == expected.keys()
        for name, value in expected.items():
            np.testing.assert_allclose(other[name], value, rtol=2e-5, err_msg=name)
    return first | shown


def metrics_of_run(name, folder, **fields):
    """The mean of each metric after so many ``steps`` of preset default with these fields."""
    small = {"chunk": 50, "evaluate_every": fields["steps"], "save_every": fields["steps"]}
    settings = configure(load(name).settings(), small | fields)
    summary = runner.start(prepare(name, "default", settings), folder / "run")
    return {metric: value["mean"] for metric, value in summary["metrics"].items()}
