"""The loop: compiled chunks of steps, and between them everything that touches the world.

It sees a task only through ``step``. Between chunks it checks that numbers are finite, writes metrics, evaluates,
saves, and listens to signals; inside a chunk the host is not asked for anything.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Ge, Gt
from jaxtyping import Array, Bool, Float, PyTree

from train import early_stopping
from train.checkpoint import Checkpoints
from train.early_stopping import Best
from train.feed import Chunk, Feed
from train.measures import Metrics, average
from train.mesh import Placement, place_elements
from train.metrics import MetricsWriter
from train.processes import gather, place
from train.progress import Progress
from train.signals import Interrupted, Signals
from train.task import State, Task, evaluation_params
from train.trainable import Params
from train.transforms import SeedsBy, ensemble, scan

Count = Annotated[int, Gt(0)]
TaskOf = Callable[[PyTree], Task]
"""The task of one seed, from the context: arrays that no batch divides."""


@dataclass(frozen=True, kw_only=True)
class LoopSettings:
    """How long to train, and how often to look up."""

    steps: Count = 2000
    """updates to take"""
    batch_size: Count = 128
    """examples per step (and seed)"""
    chunk: Count = 50
    """steps per compiled call; one row of training metrics each"""
    evaluate_every: Count = 500
    """steps between evaluations on held-out data"""
    save_every: Count = 500
    """steps between checkpoints"""
    patience: Annotated[int, Ge(0)] = 0
    """evaluations without improvement after which training stops and the best parameters are kept; 0 is off"""

    def __post_init__(self):
        if self.patience and self.steps % self.evaluate_every:
            raise ValueError(
                f"--patience watches evaluations: --steps {self.steps} must be a multiple of "
                f"--evaluate-every {self.evaluate_every}"
            )


class Diverged(Exception):
    """A metric or a part of the state became NaN or infinite."""

    def __init__(self, what: str, step: int, seed_number: int, kept: int):
        super().__init__(f"{what} is not finite at step {step} (seed number {seed_number})")
        self.step, self.kept = step, kept


class Outcome(NamedTuple):
    """A finished training: its last state, the parameters to evaluate and the step of each seed's, and where the time
    went (this process only).
    """

    state: State
    params: Params
    measured_steps: list[int]
    step: int
    stopped_early: bool
    compile_seconds: float
    train_seconds: float
    steps_taken: int


class Saved(NamedTuple):
    """What a checkpoint holds."""

    state: State
    best: Best | tuple[()]


def begin(state: State, seeds: int, loop: LoopSettings) -> Saved:
    """The content of a run at its beginning; also the structure that a restore needs."""
    best = early_stopping.start(evaluation_params(state), seeds) if loop.patience else ()
    return Saved(state, best)


def to_evaluate(state: State, best: Best | tuple[()]) -> tuple[Params, list[int]]:
    """The parameters to evaluate, and the step after which each seed had them: the best ones where these are kept."""
    steps = gather(best.step if best else state.step).tolist()
    return best.params if best else evaluation_params(state), steps


def chunks(start: int, loop: LoopSettings) -> Iterator[Chunk]:
    """Chunks from ``start`` to the last step that end at every multiple of the chunk, evaluation and saving periods."""
    while start < loop.steps:
        periods = (loop.chunk, loop.evaluate_every, loop.save_every)
        stop = min(loop.steps, *((start // period + 1) * period for period in periods))
        yield start, stop - start
        start = stop


def advance(task_of: TaskOf, feed: Feed, length: int, seeds_by: SeedsBy, where: Placement) -> Callable:
    """The function of one chunk: (state, resident, elements) → (state, metrics [seeds, steps], finite [seeds]).

    ``resident`` are the feed's data and the context, from which the task is made inside: so it is an argument of the
    compiled program and no part of it. ``finite`` has an entry for each of ``float_leaves``. The scan runs inside
    of the ensemble: a scan that carried the axis of seeds would copy every parameter at every step.
    """

    def run(state: State, resident: tuple[PyTree, PyTree], elements: PyTree) -> tuple[State, Metrics, dict]:
        data, context = resident
        chunk = scan(feed.bind(where.task(task_of(context)), data), length)
        state, metrics = ensemble(chunk, how=seeds_by).step(state, elements)
        finite = {name: _finite_by_seed(leaf) for name, leaf in float_leaves(state).items()}
        return state, metrics, finite

    return where.chunk(run)


def float_leaves(tree: PyTree[Array]) -> dict[str, Array]:
    """The floating-point leaves, by path: what can become NaN."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {jax.tree_util.keystr(path): leaf for path, leaf in leaves if jnp.issubdtype(leaf.dtype, jnp.floating)}


def _finite_by_seed(leaf: Float[Array, "seeds ..."]) -> Bool[Array, " seeds"]:
    return jnp.all(jnp.isfinite(leaf), axis=tuple(range(1, leaf.ndim)))


class _Compiler:
    """Compiles a chunk once per length, ahead of its first call, and keeps the time."""

    def __init__(self, task_of: TaskOf, feed: Feed, seeds_by: SeedsBy, where: Placement):
        self._task_of, self._feed, self._seeds_by, self._where = task_of, feed, seeds_by, where
        self._compiled, self.seconds = {}, 0.0

    def __call__(self, length: int, *arguments: PyTree) -> Callable:
        if length not in self._compiled:
            started = time.perf_counter()
            chunk = advance(self._task_of, self._feed, length, self._seeds_by, self._where)
            shardings = (self._where.state(arguments[0]), self._where.replicated, self._where.replicated)
            function = jax.jit(chunk, donate_argnums=0, out_shardings=shardings)
            self._compiled[length] = function.lower(*arguments).compile()
            self.seconds += time.perf_counter() - started
        return self._compiled[length]


def _check_finite(metrics: Metrics, finite: dict[str, np.ndarray], start: int, length: int, kept: int) -> None:
    for name, value in metrics.items():
        for values in jax.tree.leaves(value):
            if (bad := np.argwhere(~np.isfinite(values.T))).size:
                raise Diverged(f"metric {name}", start + int(bad[0][0]) + 1, int(bad[0][1]), kept)
    for name, by_seed in finite.items():
        if not by_seed.all():
            raise Diverged(f"the state's {name}", start + length, int(np.argmin(by_seed)), kept)


def train(
    task_of: TaskOf,
    feed: Feed,
    saved: Saved,
    *,
    where: Placement,
    loop: LoopSettings,
    seeds_by: SeedsBy,
    monitor: Callable[[Params], dict[str, np.ndarray]],
    monitored: str,
    held_out: str,
    writer: MetricsWriter,
    checkpoints: Checkpoints,
    notes: Callable[[], dict],
    progress: Progress,
    signals: Signals,
    context: PyTree = (),
    scheduled: Callable[[int], dict[str, float]] = lambda step: {},
) -> Outcome:
    """Trains ``task_of(context)`` for each seed from ``saved`` to ``loop.steps``; all saved leaves have a leading axis
    of seeds.

    ``monitor`` returns metrics of the split ``held_out``, one value per seed; early stopping watches ``monitored`` of
    them (lower is better). ``scheduled(step)`` are numbers that stand in the row of training beside what was measured.
    Raises ``Diverged`` or ``Interrupted``, both with the last good state saved.
    """
    state, best = saved
    step = first_step = int(gather(state.step).reshape(-1)[0])
    patience, seeds = loop.patience, state.step.shape[0]
    keep_best = jax.jit(early_stopping.update, static_argnames="patience", out_shardings=where.state(best))
    compile_chunk = _Compiler(task_of, feed, seeds_by, where)
    train_seconds, exhausted = 0.0, False
    plan = list(chunks(step, loop))
    resident = feed.resident, context
    resident = place(resident, jax.tree.map(lambda _: where.replicated, resident))
    elements = feed.read(plan)
    following = next(elements, None)
    if not checkpoints.steps():
        checkpoints.save(step, Saved(state, best), notes())
    for start, length in plan:
        if patience and bool(early_stopping.exhausted(best, patience=patience)):
            exhausted = True
            break
        current = place_elements(following, where, part_of_batch=feed.is_part)
        run = compile_chunk(length, state, resident, current)
        started = time.perf_counter()
        with jax.transfer_guard("disallow"):
            state, metrics, finite = run(state, resident, current)
        following = next(elements, None)  # the host reads on while the device computes
        metrics, finite = jax.device_get((metrics, finite))
        train_seconds += time.perf_counter() - started
        _check_finite(metrics, finite, start, length, checkpoints.steps()[-1])
        step = start + length
        measured = average(metrics)
        rates = {name: np.full(seeds, value) for name, value in scheduled(step).items()}
        writer.write(step, "train", measured | rates)
        last = step == loop.steps
        if step % loop.evaluate_every == 0 or last:
            seen = monitor(evaluation_params(state))
            writer.write(step, held_out, seen)
            if not (finite := np.isfinite(seen[monitored])).all():
                raise Diverged(f"{held_out} {monitored}", step, int(np.argmin(finite)), checkpoints.steps()[-1])
            measured |= {f"{held_out} {name}": values for name, values in seen.items()}
            if patience:
                value = np.asarray(seen[monitored], np.float32)
                best = keep_best(best, evaluation_params(state), value, np.int32(step), patience=patience)
        progress.update(step, measured)
        received = signals.agreed()
        if step % loop.save_every == 0 or last or received:
            checkpoints.save(step, Saved(state, best), notes())
        if received:
            checkpoints.wait()
            raise Interrupted(received, step)
    checkpoints.save(step, Saved(state, best), notes())
    checkpoints.wait()
    signals.check(step)
    return Outcome(
        state, *to_evaluate(state, best), step, exhausted, compile_chunk.seconds, train_seconds, step - first_step
    )
