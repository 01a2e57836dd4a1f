"""One task on several devices: the batch is divided, the parameters are not."""

from collections.abc import Callable, Sequence
from typing import Literal

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Key

from train.task import Batch, Metrics, Params, State, Task, batch_size
from train.transforms import with_gradient

AXIS = "batch"


def device_mesh(devices: Sequence[jax.Device] | None = None) -> Mesh:
    """A one-dimensional mesh, by default over all devices."""
    return Mesh(np.asarray(jax.devices() if devices is None else devices), (AXIS,))


def data_parallel(task: Task, mesh: Mesh, *, how: Literal["sharding", "pmap"] = "sharding") -> Task:
    """``task`` with every batch divided over the devices of ``mesh``; the same numbers as on one device.

    ``"sharding"`` says where arrays live and leaves the division to the compiler; it composes with every transform.
    ``"pmap"`` runs one program per device and averages their gradients; it needs a task made of gradients and is called
    outside of other transforms.
    """
    return _sharded(task, mesh) if how == "sharding" else _pmapped(task, mesh)


def _divisible(batch: Batch, mesh: Mesh) -> None:
    if batch_size(batch) % mesh.size:
        raise ValueError(f"a batch of {batch_size(batch)} examples cannot be divided over {mesh.size} devices")


def _sharded(task: Task, mesh: Mesh) -> Task:
    def step(state: State, batch: Batch) -> tuple[State, Metrics]:
        _divisible(batch, mesh)
        batch = jax.lax.with_sharding_constraint(batch, NamedSharding(mesh, PartitionSpec(AXIS)))
        state, metrics = task.step(state, batch)
        return jax.lax.with_sharding_constraint((state, metrics), NamedSharding(mesh, PartitionSpec()))

    return Task(task.init, step)


def _pmapped(task: Task, mesh: Mesh) -> Task:
    def transform(whole_gradient: Callable) -> Callable:
        def local_gradient(state: State, batch: Batch, keys: Key[Array, " batch"]) -> tuple[Params, Metrics]:
            return jax.lax.pmean(whole_gradient(state, batch, keys), AXIS)

        parallel = jax.pmap(local_gradient, AXIS, in_axes=(None, 0, 0), out_axes=None, devices=list(mesh.devices.flat))

        def gradient(state: State, batch: Batch, keys: Key[Array, " batch"]) -> tuple[Params, Metrics]:
            _divisible(batch, mesh)
            pieces = jax.tree.map(lambda leaf: leaf.reshape(mesh.size, -1, *leaf.shape[1:]), (batch, keys))
            return parallel(state, *pieces)

        return gradient

    return with_gradient(task, transform)
