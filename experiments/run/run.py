"""A run before it is trained: an experiment with its settings, its data and the devices it lies on."""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

import jax
import numpy as np
from jax.sharding import Sharding
from jaxtyping import Array, Int, PyTree

from experiments.datasets import Dataset
from experiments.errors import WrongInput
from experiments.networks.frozen import frozen
from experiments.run.experiment import Experiment, MetricsOf
from experiments.run.registry import load
from experiments.run.run_folder import Config, Origin
from experiments.run.settings import Settings, as_json
from models.program_cost import product_flops
from train.compilation import jit_of_few_calls, traced_once
from train.evaluation import MetricFn, evaluator
from train.feed import Feed, resident_feed, size_of, streaming_feed, take
from train.loop import Saved, TaskOf, begin, chunks
from train.measures import Metrics
from train.mesh import Placement, TooFewDevices, local_mesh, placement
from train.task import Batch, Task, seed_keys
from train.trainable import Params
from train.transforms import accumulate, average_parameters, ensemble, starting_from

T = TypeVar("T")
MOST_FLOPS = 10**11
"""Of one measured batch: ten seconds of a slow computer, which looks at signals between two batches."""


class Run(NamedTuple):
    """An experiment with its settings and data, ready to train."""

    name: str
    preset: str
    experiment: Experiment
    settings: Settings
    dataset: Dataset
    origin: Origin | None = None
    """the run whose parameters it starts from"""
    initial: dict[str, Array | np.ndarray] = {}
    """parameters, by path, that take the place of those that are drawn"""

    def config(self) -> Config:
        """What ``config.json`` says."""
        return Config(self.name, self.preset, as_json(self.settings), self.origin)

    def task(self) -> Task:
        """The task, of one seed."""
        return self._task(self.dataset)

    def task_of(self) -> TaskOf:
        """The task from the context; its step is traced once for all that ask the same of it."""

        def make(dataset: Dataset) -> Task:
            task = self._task(dataset)
            return task._replace(step=traced_once(task.step))

        return self._of_context(make)

    def metric_of(self, metrics_of: MetricsOf) -> Callable[[PyTree], MetricFn]:
        """What is measured of an example, from the context; it too is traced once."""
        return self._of_context(lambda dataset: traced_once(metrics_of(self.settings, dataset)))

    def _task(self, dataset: Dataset) -> Task:
        return self._transformed(self.experiment.task(self.settings, dataset), self.initial)

    def _transformed(self, task: Task, initial: dict[str, Array]) -> Task:
        if self.origin and self.origin.frozen:
            task = frozen(task, self.origin.frozen)
        if initial:
            task = starting_from(task, initial)
        if self.settings.parts > 1:
            task = accumulate(task, self.settings.parts)
        decay = self.settings.average_decay
        return average_parameters(task, decay) if decay else task

    def _of_context(self, make: Callable[[Dataset], T]) -> Callable[[PyTree], T]:
        """What is made of the data set, as a function of its context.

        Where there is none it is made once, and what it computes beforehand, such as a PCA, is no part of any compiled
        program. Where there is one it is made inside of each program, whose argument the context is.
        """
        if jax.tree.leaves(self.dataset.context):
            return lambda context: make(self.dataset._replace(context=context))
        made = make(self.dataset)
        return lambda context: made

    def where(self) -> Placement:
        """The devices, and what lies on which; ``TooFewDevices`` where there are not so many."""
        return placement(self.settings.placement.shard, local_mesh(self.settings.placement.devices))

    def beginning(self) -> Saved:
        """The state of all seeds before the first step."""
        make, given, shardings = self._made_at_first()
        return jit_of_few_calls(make, out_shardings=shardings)(*given)

    def structure(self) -> Saved:
        """Shapes, types and shardings of such a state, without computing one: what a checkpoint is read into."""
        make, given, shardings = self._made_at_first()
        return jax.tree.map(
            lambda leaf, sharding: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding),
            jax.eval_shape(make, *given),
            shardings,
        )

    def _made_at_first(self) -> tuple[Callable[..., Saved], tuple, PyTree[Sharding]]:
        """What makes the first state, what it is given, and how its leaves are divided."""
        where, settings = self.where(), self.settings
        own = self.experiment.task(settings, self.dataset)  # what it reads or computes is no part of the program

        def make(seeds: Int[Array, " seeds"], initial: dict[str, Array]) -> Saved:
            task = ensemble(where.task(self._transformed(own, initial)), how=settings.seeds.seeds_by)
            return begin(task.init(jax.vmap(jax.random.key)(seeds)), settings.seeds.seeds, settings.loop)

        given, once = (np.asarray(settings.seeds.all, np.int32), self.initial), traced_once(make)
        return once, given, where.state(jax.eval_shape(once, *given))

    def feed(self) -> Feed:
        """Arrays stay on the device; sources, and arrays where asked for, are streamed, each process its part."""
        examples, settings = self.dataset.splits["train"], self.settings
        batch, seeds = settings.loop.batch_size, settings.seeds.all
        if isinstance(examples, dict) and settings.placement.feed == "resident":
            return resident_feed(examples, seeds, batch)
        by_seed = settings.placement.shard == "seeds"
        part = (0, 1) if by_seed else (jax.process_index(), jax.process_count())
        return streaming_feed(examples, seeds, batch, part=part)

    def evaluator(
        self, metric_of: Callable[[PyTree], MetricFn], split: str, *, batch: int | None = None
    ) -> Callable[..., Metrics]:
        """The function of all seeds' parameters that measures every example of a split, ``batch`` of them at a time."""
        settings = self.settings
        return evaluator(
            metric_of,
            self.dataset.splits[split],
            settings.seeds.all,
            batch=batch or settings.placement.evaluation_batch,
            where=self.where(),
            context=self.dataset.context,
        )

    def answering_batch(self, metric_of: Callable[[PyTree], MetricFn], params: Params) -> int:
        """How many examples are measured at a time: as many as the settings say, but no more than ``MOST_FLOPS`` take.

        It is the same whatever the seeds and the device, and so are the numbers' bits.
        """
        asked = min(self.settings.placement.evaluation_batch, size_of(self.dataset.splits["test"]))
        one_seed = jax.eval_shape(first_seed, params)
        keys = jax.ShapeDtypeStruct((asked,), jax.eval_shape(jax.random.key, 0).dtype)
        given = one_seed, self.shapes_of("test", asked), keys
        flops = product_flops(metric_of(self.dataset.context), *self.where().shapes(given))
        return max(1, min(asked, MOST_FLOPS * asked // flops)) if flops else asked

    def shapes_of(self, split: str, count: int) -> PyTree[jax.ShapeDtypeStruct]:
        """Shapes and types of a batch of so many examples, of which one is read."""
        one = take(self.dataset.splits[split], np.zeros(1, np.int32))
        return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((count, *leaf.shape[1:]), leaf.dtype), one)

    @property
    def draws_seeds(self) -> bool:
        """Whether there are figures of the networks of several seeds together."""
        return self.experiment.figures_of_seeds is not None and self.settings.seeds.seeds > 1

    def loss_of_one(self) -> tuple[jax.stages.Wrapped, Batch]:
        """The loss that is measured while training, as a function of parameters and one example, and that example.

        Compiled, so that it is traced once for all that asks about it.
        """
        loss_fn = self.experiment.monitor(self.settings, self.dataset)
        example = take(self.dataset.splits["train"], np.zeros(1, np.int32))
        return jax.jit(lambda params, example: loss_fn(params, example, seed_keys([0]))[0]), example

    def learning_rates(self) -> Callable[[int], dict[str, float]]:
        """The learning rate of each optimiser at the last step of a chunk, by name; computed at once for all."""
        ends = np.asarray([start + length for start, length in chunks(0, self.settings.loop)])
        schedules = self.settings.learning_rates()
        rates = {name: np.asarray(jax.jit(jax.vmap(schedule))(ends - 1)) for name, schedule in schedules.items()}
        places = {int(end): place for place, end in enumerate(ends)}
        return lambda step: {name: float(values[places[step]]) for name, values in rates.items()}


def prepare(name: str, preset: str, settings: Settings, origin: Origin | None = None) -> Run:
    """Loads the data; ``DataError`` where it cannot be had, ``WrongInput`` where it or the devices do not fit."""
    experiment = load(name)
    run = Run(name, preset, experiment, settings, experiment.data(settings), origin)
    if settings.loop.patience and run.dataset.held_out == "test":
        raise WrongInput("--patience needs held-out examples: leave out --train-on train+valid")
    try:
        run.where()
    except TooFewDevices as error:
        raise WrongInput(f"{error}; --devices 1 trains on one") from error
    return run


@jax.jit
def first_seed(params: Params) -> Params:
    """The parameters of the first of several seeds."""
    return jax.tree.map(lambda leaf: leaf[0], params)
