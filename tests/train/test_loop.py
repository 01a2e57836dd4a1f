import contextlib
import os
import signal
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from tasks import at, batches, regression_task, run
from test_transforms import assert_same_bits

from train.checkpoint import Checkpoints
from train.feed import example_indices, resident_feed, streaming_feed
from train.loop import Diverged, LoopSettings, begin, chunks, train
from train.mesh import one_device
from train.metrics import MetricsWriter, read_rows
from train.progress import Progress
from train.signals import Interrupted, Signals
from train.task import Task, seed_keys
from train.transforms import average_parameters, ensemble

SEEDS, BATCH, SIZE = [4, 9], 6, 20
EXAMPLES = jax.tree.map(np.asarray, at(batches(1, SIZE), 0))
LOOP = LoopSettings(steps=12, batch_size=BATCH, chunk=4, evaluate_every=6, save_every=6)


def go(folder, loop=LOOP, task=None, monitor=None, feed=None, resume=False, where=None):
    """Trains in ``folder`` from the beginning, or from the newest checkpoint."""
    task, where = task or regression_task(), where or one_device()
    state = jax.jit(ensemble(task, how="map").init)(seed_keys(SEEDS))
    saved = begin(state, len(SEEDS), loop)
    with contextlib.ExitStack() as stack:
        checkpoints = stack.enter_context(Checkpoints(folder / "checkpoints"))
        if resume:
            saved = checkpoints.restore(saved).tree
        return train(
            lambda context: task,
            feed or resident_feed(EXAMPLES, SEEDS, BATCH),
            saved,
            where=where,
            loop=loop,
            seeds_by="map",
            monitor=monitor or (lambda params: {"loss": np.ones(2)}),
            monitored="loss",
            held_out="valid",
            writer=stack.enter_context(MetricsWriter(folder, SEEDS, int(saved.state.step[0]))),
            checkpoints=checkpoints,
            notes=dict,
            progress=stack.enter_context(Progress("test", 0, loop.steps)),
            signals=stack.enter_context(Signals()),
        )


def test_it_takes_the_steps_that_the_feed_says(tmp_path):
    state = go(tmp_path).state
    for k, seed in enumerate(SEEDS):
        index = example_indices(seed, SIZE, 0, 12 * BATCH).reshape(12, BATCH)
        alone, _ = run(regression_task(), jax.tree.map(lambda leaf, i=index: leaf[i], EXAMPLES), key=seed)
        assert_same_bits(at(state, k), alone)


@pytest.mark.parametrize("chunk", [1, 5, 12, 100])
def test_any_chunk_length_gives_the_same_bits(chunk, tmp_path):
    assert_same_bits(go(tmp_path / "a").state, go(tmp_path / "b", replace(LOOP, chunk=chunk)).state)


def test_streamed_is_resident(tmp_path):
    class Source:
        def __len__(self):
            return SIZE

        def __getitem__(self, index):
            return {name: array[index] for name, array in EXAMPLES.items()}

    streamed = go(tmp_path / "b", feed=streaming_feed(Source(), SEEDS, BATCH))
    assert_same_bits(go(tmp_path / "a").state, streamed.state)


def test_chunks_end_at_every_period():
    loop = replace(LOOP, steps=20, chunk=8, evaluate_every=6, save_every=10)
    assert list(chunks(0, loop)) == [(0, 6), (6, 2), (8, 2), (10, 2), (12, 4), (16, 2), (18, 2)]
    assert list(chunks(17, loop)) == [(17, 1), (18, 2)]


def test_a_row_is_the_mean_over_its_chunk(tmp_path):
    go(tmp_path)
    rows = [row for row in read_rows(tmp_path) if row["split"] == "train"]
    assert [row["step"] for row in rows] == [4, 6, 8, 12]
    index = example_indices(SEEDS[1], SIZE, 0, 12 * BATCH).reshape(12, BATCH)
    _, metrics = run(regression_task(), jax.tree.map(lambda leaf: leaf[index], EXAMPLES), key=SEEDS[1])
    np.testing.assert_allclose(rows[0]["loss"][1], np.mean(metrics["loss"][:4]), rtol=1e-6)
    np.testing.assert_allclose(rows[3]["absolute"][1], np.mean(metrics["absolute"][8:]), rtol=1e-6)


def test_nothing_is_compiled_after_the_first_chunk(tmp_path):
    compiled = []

    def listen(event, duration, **_):
        if event == "/jax/core/compile/backend_compile_duration":
            compiled.append(duration)

    jax.monitoring.register_event_duration_secs_listener(listen)
    counts = []
    for steps in (4, 40):
        compiled.clear()
        go(tmp_path / str(steps), LoopSettings(steps=steps, batch_size=BATCH, chunk=4, evaluate_every=4, save_every=4))
        counts.append(len(compiled))
    assert counts[0] == counts[1] > 0


def poisoned(at_step, where):
    """A task whose metric or parameter becomes NaN in the step that leads to ``at_step``."""
    task = regression_task()

    def step(state, batch):
        state, metrics = task.step(state, batch)
        poison = jnp.where(state.step == at_step, jnp.nan, 0.0)
        if where == "metric":
            return state, metrics | {"loss": metrics["loss"] + poison}
        return state._replace(params=jax.tree.map(lambda leaf: leaf + poison, state.params)), metrics

    return Task(task.init, step)


@pytest.mark.parametrize(
    ("where", "at_step", "what"), [("metric", 9, "metric loss"), ("parameter", 12, r"the state's \.params\['first'\]")]
)
def test_divergence_stops_names_and_keeps(where, at_step, what, tmp_path):
    loop = replace(LOOP, steps=24)
    with pytest.raises(Diverged, match=f"{what} is not finite at step {at_step}") as caught:
        go(tmp_path, loop, task=poisoned(at_step, where))
    assert caught.value.kept == 6
    with Checkpoints(tmp_path / "checkpoints") as checkpoints:
        assert checkpoints.steps() == [0, 6]
        state = jax.jit(ensemble(regression_task(), how="map").init)(seed_keys(SEEDS))
        restored = checkpoints.restore(begin(state, 2, loop)).tree.state
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(restored.params))


@pytest.mark.parametrize("patience", [0, 2])
def test_a_held_out_loss_that_is_not_finite_ends_the_run(patience, tmp_path):
    """Nothing is better than NaN: with patience the initial parameters would be the best ones."""
    with pytest.raises(Diverged, match=r"valid loss is not finite at step 6 \(seed number 1\)") as caught:
        go(tmp_path, replace(LOOP, patience=patience), monitor=lambda params: {"loss": np.array([1.0, np.nan])})
    assert caught.value.kept == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_the_resumed_run_has_the_bits_of_the_uninterrupted(number, tmp_path):
    def interrupt(params):
        os.kill(os.getpid(), number)
        return {"loss": np.ones(2)}

    before = signal.getsignal(number)
    loop = replace(LOOP, save_every=100)
    with pytest.raises(Interrupted, match=f"{number.name} at step 6") as caught:
        go(tmp_path / "a", loop, monitor=interrupt)
    assert caught.value.signal_number == number
    assert signal.getsignal(number) == before
    assert_same_bits(go(tmp_path / "a", loop, resume=True).state, go(tmp_path / "b", loop).state)
    rows = [[row for row in read_rows(tmp_path / run)] for run in "ab"]
    assert rows[0] == rows[1]


def scripted(values):
    """A monitor that says ``values`` [evaluations, seeds] one after the other."""
    iterator = iter(values)
    return lambda params: {"loss": np.asarray(next(iterator), np.float32)}


def test_early_stopping_ends_the_run_with_each_seeds_best_parameters(tmp_path):
    loop = replace(LOOP, steps=100, chunk=2, evaluate_every=2, save_every=10, patience=2)
    values = [(5, 5), (3, 6), (4, 7), (4, 7), (9, 9)]
    outcome = go(tmp_path, loop, monitor=scripted(values))
    assert outcome.stopped_early
    assert outcome.step == 8
    for k, best_step in enumerate((4, 2)):
        index = example_indices(SEEDS[k], SIZE, 0, best_step * BATCH).reshape(best_step, BATCH)
        alone, _ = run(regression_task(), jax.tree.map(lambda leaf, i=index: leaf[i], EXAMPLES), key=SEEDS[k])
        assert_same_bits(at(outcome.params, k), alone.params)


def test_patience_survives_a_resume(tmp_path):
    loop = replace(LOOP, steps=100, chunk=2, evaluate_every=2, save_every=4, patience=3)
    values = [(5, 5), (3, 6), (4, 4), (4, 7), (9, 9), (9, 9), (9, 9)]
    whole = go(tmp_path / "a", loop, monitor=scripted(values))
    go(tmp_path / "b", replace(loop, steps=4), monitor=scripted(values[:2]))
    resumed = go(tmp_path / "b", loop, monitor=scripted(values[2:]), resume=True)
    assert resumed.step == whole.step == 12
    assert_same_bits(resumed.params, whole.params)


def test_the_average_is_evaluated(tmp_path):
    seen = []

    def monitor(params):
        seen.append(params)
        return {"loss": np.ones(2)}

    task = average_parameters(regression_task(optax.sgd(0.1)), 0.5)
    outcome = go(tmp_path, task=task, monitor=monitor)
    assert_same_bits(seen[-1], outcome.state.carried["average"])
    assert_same_bits(outcome.params, outcome.state.carried["average"])
