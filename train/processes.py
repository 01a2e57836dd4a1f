"""Several processes that train as one, on one machine or on many; with one process everything here is local."""

import os
import sys
from collections.abc import Callable
from typing import TypeVar

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Sharding
from jaxtyping import Array, PyTree

Result = TypeVar("Result")
SECONDS_UNTIL_LOST = 10


class FirstProcessFailed(Exception):
    """What the first process did for all has failed; its own output says why."""


def join(coordinator: str | None, processes: int | None, process: int | None) -> None:
    """Joins the processes of a run; call it before anything is computed.

    Without arguments JAX asks the cluster (SLURM, Open MPI, Kubernetes, Cloud TPU). ``ValueError`` where that fails.
    """
    patience = {"heartbeat_timeout_seconds": SECONDS_UNTIL_LOST, "shutdown_timeout_seconds": SECONDS_UNTIL_LOST}
    jax.distributed.initialize(coordinator, processes, process, **patience)


def is_first() -> bool:
    """Whether this is the process that writes what is written once."""
    return jax.process_index() == 0


def say(*lines: str) -> None:
    """Prints lines for a person, on standard error, once for all processes."""
    if is_first():
        for line in lines:
            print(line, file=sys.stderr)


def agree(number: int) -> int:
    """The largest ``number`` of all processes; every process must call it."""
    if jax.process_count() == 1:
        return number
    return int(np.max(multihost_utils.process_allgather(np.int32(number))))


def first_alone(action: Callable[[], Result]) -> Result | None:
    """Runs ``action`` in the first process, and returns its result there, None elsewhere.

    Where it fails every process fails: the first with its own error, the others with ``FirstProcessFailed``.
    """
    if not is_first():
        if agree(0):
            raise FirstProcessFailed("the first process could not go on; its output says why")
        return None
    try:
        result = action()
    except BaseException:
        agree(1)
        raise
    agree(0)
    return result


def place(tree: PyTree[np.ndarray], shardings: PyTree[Sharding]) -> PyTree[Array]:
    """Host arrays, the same in every process, as arrays of the given shardings."""

    def put(leaf: np.ndarray, sharding: Sharding) -> Array:
        if sharding.is_fully_addressable:
            return jax.device_put(leaf, sharding)
        return jax.make_array_from_callback(leaf.shape, sharding, lambda index: leaf[index])

    return jax.tree.map(put, tree, shardings)


def is_here(leaf: Array | np.ndarray | jax.ShapeDtypeStruct) -> bool:
    """Whether this process can read the whole of ``leaf``, or of what it describes, without asking another."""
    sharding = getattr(leaf, "sharding", None)
    return sharding is None or sharding.is_fully_addressable or sharding.is_fully_replicated


def gather(tree: PyTree[Array | np.ndarray]) -> PyTree[np.ndarray]:
    """Copies on the host of arrays that may be divided over processes; every process must call it."""

    def fetch(leaf: Array | np.ndarray) -> np.ndarray:
        if jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            leaf = jax.random.key_data(leaf)
        return np.array(leaf if is_here(leaf) else multihost_utils.process_allgather(leaf, tiled=True))

    return jax.tree.map(fetch, tree)


def lost_a_process(error: Exception) -> bool:
    """Whether ``error`` is what XLA says when another process has gone."""
    return jax.process_count() > 1 and isinstance(error, jax.errors.JaxRuntimeError)


def leave_at_once(status: int) -> None:
    """Ends this process without waiting for the others, who are gone."""
    os._exit(status)
