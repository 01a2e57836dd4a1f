"""Checkpoints: Orbax behind four calls, with a SHA-256 for every leaf.

Orbax writes atomically but trusts what it reads. So every step carries a manifest of its leaves (shape, dtype, digest);
a restore verifies them, and falls back to the newest step that is intact.
"""

import hashlib
import json
import shutil
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
import orbax.checkpoint as ocp
from jaxtyping import Array, PyTree

_DELETED = "deleted"


class CheckpointError(Exception):
    """No usable checkpoint, or one that does not fit; the message says which, and what to do."""


class Restored(NamedTuple):
    """What a restore found: the newest intact step, and the newer steps that were passed over, each with the reason."""

    step: int
    tree: PyTree
    notes: dict
    damaged: dict[int, str]


def to_host(tree: PyTree) -> PyTree[np.ndarray]:
    """Copies of the leaves as NumPy arrays, random keys as their words; safe from later donation of ``tree``."""

    def copy(leaf: Array) -> np.ndarray:
        if jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            leaf = jax.random.key_data(leaf)
        return np.array(leaf)

    return jax.tree.map(copy, tree)


def from_host(host: PyTree[np.ndarray], like: PyTree) -> PyTree:
    """The inverse of ``to_host``, with the kinds of leaves (keys or arrays) of ``like``."""

    def place(leaf: np.ndarray, target: Array) -> Array:
        if jax.dtypes.issubdtype(target.dtype, jax.dtypes.prng_key):
            return jax.random.wrap_key_data(leaf)
        return jax.numpy.asarray(leaf)

    return jax.tree.map(place, host, like)


def manifest(host: PyTree[np.ndarray]) -> dict[str, dict[str, object]]:
    """Leaf path → shape, dtype and SHA-256 of the bytes."""
    leaves = jax.tree_util.tree_leaves_with_path(host)
    return {
        jax.tree_util.keystr(path): {
            "shape": list(leaf.shape),
            "dtype": str(leaf.dtype),
            "sha256": hashlib.sha256(np.ascontiguousarray(leaf).tobytes()).hexdigest(),
        }
        for path, leaf in leaves
    }


def tree_sha256(tree: PyTree) -> str:
    """One digest of a whole state: paths, shapes, dtypes and bytes of all its leaves."""
    return hashlib.sha256(json.dumps(manifest(to_host(tree)), sort_keys=True).encode()).hexdigest()


def _mismatch(found: dict, expected: dict, fields: tuple[str, ...]) -> str | None:
    for leaf in sorted(found.keys() | expected.keys()):
        if leaf not in found:
            return f"leaf {leaf} is missing"
        if leaf not in expected:
            return f"leaf {leaf} is not expected"
        for field in fields:
            if found[leaf][field] != expected[leaf][field]:
                return f"leaf {leaf} has {field} {found[leaf][field]}, expected {expected[leaf][field]}"
    return None


class Checkpoints:
    """The checkpoints of one run folder; use it as a context manager, so that leaving waits for the last save."""

    def __init__(self, folder: Path, *, keep: int = 3):
        self.folder = Path(folder).absolute()
        self._purge()
        options = ocp.CheckpointManagerOptions(
            max_to_keep=keep, todelete_subdir=_DELETED, cleanup_tmp_directories=True, create=True
        )
        self._manager = ocp.CheckpointManager(self.folder, options=options)

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def _purge(self) -> None:
        shutil.rmtree(self.folder / _DELETED, ignore_errors=True)

    def steps(self) -> list[int]:
        """The saved steps, ascending."""
        return sorted(self._manager.all_steps())

    def save(self, step: int, tree: PyTree, notes: dict) -> None:
        """Starts to save ``tree`` and JSON-able ``notes``; raises here if the save before failed."""
        if step in self._manager.all_steps():
            return
        host = to_host(tree)
        items = ocp.args.Composite(
            state=ocp.args.StandardSave(host),
            manifest=ocp.args.JsonSave({"leaves": manifest(host), "notes": notes}),
        )
        self._manager.save(step, args=items)

    def wait(self) -> None:
        """Returns when everything is on disk; raises what went wrong."""
        self._manager.wait_until_finished()

    def close(self) -> None:
        """Waits, purges what was to be deleted, and closes."""
        try:
            self._manager.wait_until_finished()
        finally:
            self._manager.close()
            self._purge()

    def notes(self, step: int) -> dict:
        """The notes of one step, without its arrays."""
        return self._read_manifest(step)["notes"]

    def restore(self, like: PyTree, step: int | None = None) -> Restored:
        """The state at ``step``, or at the newest intact step, in the structure of ``like``.

        ``CheckpointError`` where there is none, or where its leaves are not those of ``like``.
        """
        steps = self.steps()
        if step is not None and step not in steps:
            raise CheckpointError(f"no checkpoint of step {step} in {self.folder}; there are {steps}")
        damaged: dict[int, str] = {}
        for candidate in [step] if step is not None else reversed(steps):
            try:
                tree, notes = self._restore_verified(candidate, like)
                return Restored(candidate, tree, notes, damaged)
            except _DamagedError as error:
                damaged[candidate] = str(error)
        reasons = "; ".join(f"step {number}: {reason}" for number, reason in damaged.items()) or "none was saved"
        raise CheckpointError(f"no intact checkpoint in {self.folder} ({reasons})")

    def discard(self, step: int) -> None:
        """Deletes one step."""
        self._manager.delete(step)
        self._purge()

    def _read_manifest(self, step: int) -> dict:
        try:
            return self._manager.restore(step, args=ocp.args.Composite(manifest=ocp.args.JsonRestore()))["manifest"]
        except Exception as error:
            raise _DamagedError(f"its manifest cannot be read: {_first_line(error)}") from error

    def _restore_verified(self, step: int, like: PyTree) -> tuple[PyTree, dict]:
        written = self._read_manifest(step)
        target = to_host(like)
        if reason := _mismatch(written["leaves"], manifest(target), ("shape", "dtype")):
            raise CheckpointError(f"checkpoint {step} in {self.folder} is of another model: {reason}")
        try:
            items = ocp.args.Composite(state=ocp.args.StandardRestore(target))
            host = self._manager.restore(step, args=items)["state"]
        except Exception as error:
            raise _DamagedError(f"its arrays cannot be read: {_first_line(error)}") from error
        if reason := _mismatch(manifest(host), written["leaves"], ("shape", "dtype", "sha256")):
            raise _DamagedError(reason)
        return from_host(host, like), written["notes"]


class _DamagedError(Exception):
    pass


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
