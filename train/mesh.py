"""Where arrays live: one task on several devices, of one machine or of several.

A run's state has a leading axis of seeds, a chunk's elements have axes [seeds, steps, batch]. A ``Placement`` says over
which of them the devices are divided; the numbers stay those of one device.
"""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Key, PyTree

from train.measures import Metrics
from train.processes import place
from train.task import Batch, State, Task, batch_size
from train.trainable import Params
from train.transforms import with_gradient

AXIS = "devices"
Shard = Literal["batch", "seeds", "parameters"]


class TooFewDevices(ValueError):
    """More devices were asked for than there are."""


class Placement(NamedTuple):
    """How a run lies on the devices of ``mesh``: each function and sharding is for arrays of a whole run."""

    mesh: Mesh
    state: Callable[[PyTree], PyTree[NamedSharding]]  # of leaves with a leading axis of seeds
    elements: NamedSharding  # of a chunk's [seeds, steps, batch, …]
    task: Callable[[Task], Task]  # what one seed's task needs
    chunk: Callable[[Callable], Callable]  # what the function (state, resident, elements) of all seeds needs
    params: Callable[[Params], Params]  # what an evaluation of examples divided over the devices needs

    @property
    def replicated(self) -> NamedSharding:
        """Whole on every device."""
        return NamedSharding(self.mesh, PartitionSpec())

    @property
    def examples(self) -> NamedSharding:
        """Divided along axis 0."""
        return NamedSharding(self.mesh, PartitionSpec(AXIS))

    def shapes(self, tree: PyTree[Array | np.ndarray | jax.ShapeDtypeStruct]) -> PyTree[jax.ShapeDtypeStruct]:
        """Shapes and types of arrays as a program on these devices sees them, and by which it shares its traces."""
        return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=self.replicated), tree)


def device_mesh(devices: Sequence[jax.Device] | None = None) -> Mesh:
    """A one-dimensional mesh, by default over all devices."""
    return Mesh(np.asarray(jax.devices() if devices is None else devices), (AXIS,))


def local_mesh(count: int) -> Mesh:
    """The first ``count`` devices of every process; ``TooFewDevices`` where one has fewer."""
    if count > jax.local_device_count():
        here = f"{jax.local_device_count()} of kind {jax.devices()[0].platform}"
        advice = f"; on a CPU, JAX_NUM_CPU_DEVICES={count} makes as many" if jax.default_backend() == "cpu" else ""
        raise TooFewDevices(f"--devices {count}, but there are {here}{advice}")
    processes = [[d for d in jax.devices() if d.process_index == i][:count] for i in range(jax.process_count())]
    return device_mesh([device for devices in processes for device in devices])


def placement(shard: Shard, mesh: Mesh) -> Placement:
    """The batch, the seeds, or batch and parameters divided over the devices of ``mesh``."""
    everywhere = NamedSharding(mesh, PartitionSpec())

    def whole(tree: PyTree) -> PyTree[NamedSharding]:
        return jax.tree.map(lambda _: everywhere, tree)

    match shard:
        case "batch":
            return Placement(mesh, whole, _batches(mesh), lambda task: data_parallel(task, mesh), _identity, _identity)
        case "seeds":
            by_seed = NamedSharding(mesh, PartitionSpec(AXIS))

            def divided(tree: PyTree) -> PyTree[NamedSharding]:
                return jax.tree.map(lambda _: by_seed, tree)

            def chunk(run: Callable) -> Callable:
                divided, here = PartitionSpec(AXIS), PartitionSpec()
                return jax.shard_map(
                    run, mesh=mesh, in_specs=(divided, here, divided), out_specs=divided, check_vma=False
                )

            def gathered(params: Params) -> Params:
                return jax.lax.with_sharding_constraint(params, everywhere)

            return Placement(mesh, divided, by_seed, _identity, chunk, gathered)
        case "parameters":

            def of_seeds(tree: PyTree) -> PyTree[NamedSharding]:
                return jax.tree.map(lambda leaf: NamedSharding(mesh, _largest_axis(leaf.shape[1:], mesh, 1)), tree)

            return Placement(
                mesh, of_seeds, _batches(mesh), lambda task: fully_sharded(task, mesh), _identity, _identity
            )


def one_device() -> Placement:
    """Everything on the first local device."""
    return placement("batch", device_mesh(jax.local_devices()[:1]))


def _identity(thing):
    return thing


def _batches(mesh: Mesh) -> NamedSharding:
    return NamedSharding(mesh, PartitionSpec(None, None, AXIS))


def _largest_axis(shape: tuple[int, ...], mesh: Mesh, leading: int = 0) -> PartitionSpec:
    """Division of the largest axis that the mesh divides, behind ``leading`` axes that stay whole."""
    divisible = [axis for axis, length in enumerate(shape) if length and length % mesh.size == 0]
    if not divisible:
        return PartitionSpec()
    largest = max(divisible, key=lambda axis: shape[axis])
    return PartitionSpec(*[None] * (leading + largest), AXIS)


def data_parallel(task: Task, mesh: Mesh, *, how: Literal["sharding", "pmap"] = "sharding") -> Task:
    """``task`` with every batch divided over the devices of ``mesh``; the same numbers as on one device.

    ``"sharding"`` says where arrays live and leaves the division to the compiler; it composes with every transform.
    ``"pmap"`` runs one program per device and averages their gradients; it needs a task made of gradients and is called
    outside of other transforms.
    """
    if how == "pmap":
        return _pmapped(task, mesh)
    return _constrained(task, mesh, lambda leaf: PartitionSpec())


def fully_sharded(task: Task, mesh: Mesh) -> Task:
    """``data_parallel`` whose parameters and optimiser state are divided too, each leaf along its largest divisible
    axis: a device holds about 1/N of them, and gathers what a layer needs when it needs it (Rajbhandari et al. 2020).
    """
    return _constrained(task, mesh, lambda leaf: _largest_axis(leaf.shape, mesh))


def _constrained(task: Task, mesh: Mesh, partition: Callable[[Array], PartitionSpec]) -> Task:
    def constrain(tree: PyTree, partition: Callable[[Array], PartitionSpec]) -> PyTree:
        shardings = jax.tree.map(lambda leaf: NamedSharding(mesh, partition(leaf)), tree)
        return jax.lax.with_sharding_constraint(tree, shardings)

    def init(key: Key[Array, ""]) -> State:
        return constrain(task.init(key), partition)

    def step(state: State, batch: Batch) -> tuple[State, Metrics]:
        _divisible(batch, mesh)
        state, metrics = task.step(state, constrain(batch, lambda leaf: PartitionSpec(AXIS)))
        return constrain(state, partition), constrain(metrics, lambda leaf: PartitionSpec())

    return Task(init, step, trainable=task.trainable)


def _divisible(batch: Batch, mesh: Mesh) -> None:
    if batch_size(batch) % mesh.size:
        raise ValueError(f"a batch of size {batch_size(batch)} cannot be divided over {mesh.size} devices")


def _pmapped(task: Task, mesh: Mesh) -> Task:
    def transform(whole_gradient: Callable) -> Callable:
        def local_gradient(state: State, batch: Batch, keys: Key[Array, " batch"]) -> tuple[PyTree, Metrics]:
            return jax.lax.pmean(whole_gradient(state, batch, keys), AXIS)

        parallel = jax.pmap(local_gradient, AXIS, in_axes=(None, 0, 0), out_axes=None, devices=list(mesh.devices.flat))

        def gradient(state: State, batch: Batch, keys: Key[Array, " batch"]) -> tuple[PyTree, Metrics]:
            _divisible(batch, mesh)
            pieces = jax.tree.map(lambda leaf: leaf.reshape(mesh.size, -1, *leaf.shape[1:]), (batch, keys))
            return parallel(state, *pieces)

        return gradient

    return with_gradient(task, transform)


def place_elements(elements: PyTree[np.ndarray], where: Placement, *, part_of_batch: bool) -> PyTree[Array]:
    """A chunk's elements on the devices; ``part_of_batch`` where this process has read its own share alone."""
    if part_of_batch:
        return jax.tree.map(lambda leaf: jax.make_array_from_process_local_data(where.elements, leaf), elements)
    return place(elements, jax.tree.map(lambda _: where.elements, elements))
