"""Checkpoints: Orbax behind four calls, with a SHA-256 for every leaf.

Orbax writes atomically but trusts what it reads. So every step carries a manifest of its leaves (shape, dtype, digest);
a restore verifies them, and falls back to the newest step that is intact.
"""

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import orbax.checkpoint as ocp
from jaxtyping import Array, PyTree

from train.disk import DiskFull, is_full, named_when_full
from train.manifest import described, json_sha256, manifest, mismatch
from train.processes import is_first, is_here, place

_DELETED = "deleted"
_MOST_ERRORS, _SECONDS = 10, 60  # of the threads of one failed save, and to wait for each of them
_MOST_LOOKS = 10  # of a reader, at a folder whose steps another process saves and deletes meanwhile


class CheckpointError(Exception):
    """No usable checkpoint, or one that does not fit; the message says which, and what to do."""


class Restored(NamedTuple):
    """What a restore found: the newest intact step, and the newer steps that were passed over, each with the reason."""

    step: int
    tree: PyTree
    notes: dict
    damaged: dict[int, str]


def to_host(tree: PyTree) -> PyTree[np.ndarray | Array]:
    """Copies of the leaves as NumPy arrays, random keys as their words; safe from later donation of ``tree``.

    A leaf that is divided over processes stays as it is divided: each of them saves its part.
    """

    def copy(leaf: Array | np.ndarray) -> np.ndarray | Array:
        words = jax.random.key_data(leaf) if _is_key(leaf) else leaf
        return np.array(words) if is_here(words) else jax.numpy.copy(words)

    return jax.tree.map(copy, tree)


def from_host(host: PyTree[np.ndarray | Array], like: PyTree) -> PyTree:
    """The inverse of ``to_host``, with the kinds (keys or arrays) and the shardings of the leaves of ``like``.

    These may be arrays, or ``jax.ShapeDtypeStruct``.
    """

    def put(leaf: np.ndarray | Array, target: Array | np.ndarray | jax.ShapeDtypeStruct) -> Array:
        if not isinstance(leaf, jax.Array):
            sharding = getattr(target, "sharding", None)
            leaf = jax.numpy.asarray(leaf) if sharding is None else place(leaf, sharding)
        if not _is_key(target):
            return leaf
        return jax.random.wrap_key_data(leaf, impl=jax.random.key_impl(jax.numpy.empty((), target.dtype)))

    return jax.tree.map(put, host, like)


def _is_key(leaf: Array | np.ndarray | jax.ShapeDtypeStruct) -> bool:
    return jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _to_read_into(like: PyTree) -> PyTree:
    """What Orbax is to make of each leaf: an array of the host, or one that is divided over processes as it was."""

    def empty(leaf: Array | np.ndarray | jax.ShapeDtypeStruct) -> np.ndarray | jax.ShapeDtypeStruct:
        words = jax.eval_shape(jax.random.key_data, leaf) if _is_key(leaf) else leaf
        if is_here(leaf):
            return np.empty(words.shape, words.dtype)
        return jax.ShapeDtypeStruct(words.shape, words.dtype, sharding=leaf.sharding)

    return jax.tree.map(empty, like)


def _refuse_collisions(tree: PyTree) -> None:
    """Orbax names a leaf by its keys joined by full stops, so that ``{"a.b": …}`` and ``{"a": {"b": …}}`` collide."""
    paths: dict[str, str] = {}
    for path, _ in jax.tree_util.tree_leaves_with_path(tree):
        name, here = jax.tree_util.keystr(path, simple=True, separator="."), jax.tree_util.keystr(path)
        if (other := paths.setdefault(name, here)) != here:
            raise ValueError(f"the leaves {other} and {here} have one name in a checkpoint, {name}: rename one")


class Checkpoints:
    """The checkpoints of one run folder; use it as a context manager, so that leaving waits for the last save.

    Only the process that trains may write: opening to write clears away what a killed one left half done. With
    ``read_only`` nothing is touched, a step that the writer deletes meanwhile is passed over for a newer one, and
    ``CheckpointError`` says where there is no such folder.

    A save ends in the background, so the next ``save``, ``wait`` or ``close`` raises what went wrong, ``DiskFull`` for
    a full disk. The steps before it are intact; nothing more can be saved until the folder is opened again.
    """

    def __init__(self, folder: Path, *, keep: int = 3, read_only: bool = False):
        self.folder, self._read_only = Path(folder).absolute(), read_only
        if read_only:
            if not self.folder.is_dir():
                raise CheckpointError(f"no checkpoint was saved in {self.folder}")
            options = ocp.CheckpointManagerOptions(create=False, cleanup_tmp_directories=False)
        else:
            self._purge()
            options = ocp.CheckpointManagerOptions(
                max_to_keep=keep,
                todelete_subdir=_DELETED,
                cleanup_tmp_directories=True,
                create=True,
                # a folder that cannot be made would otherwise leave threads that hold up the exit for minutes
                async_options=ocp.AsyncOptions(create_directories_asynchronously=False),
            )
        with named_when_full(self.folder):
            self._manager = self._looking_again(lambda: ocp.CheckpointManager(self.folder, options=options))

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def _purge(self) -> None:
        if is_first() and not self._read_only:
            shutil.rmtree(self.folder / _DELETED, ignore_errors=True)

    def _looking_again(self, look: Callable[[], Any]) -> Any:
        """What ``look()`` returns; Orbax lists the steps first, and a reader's may be gone when it opens them."""
        for _ in range(_MOST_LOOKS if self._read_only else 0):
            with suppress(OSError):  # a file that goes is not found, or no folder, as the moment has it
                return look()
        return look()

    def _present_steps(self) -> list[int]:
        """The steps that are there now: a reader's may be other than when it opened the folder.

        A listing that one step leaves and another enters may hold neither, so a reader that sees none lists again.
        """
        for _ in range(_MOST_LOOKS if self._read_only else 0):
            self._looking_again(self._manager.reload)
            if steps := self.steps():
                return steps
        return self.steps()

    def steps(self) -> list[int]:
        """The saved steps, ascending."""
        return sorted(self._manager.all_steps())

    def save(self, step: int, tree: PyTree, notes: dict) -> None:
        """Starts to save ``tree`` and JSON-able ``notes``, after the save before has ended.

        A step that is saved already stays as it is. ``ValueError`` for a leaf without entries, which Orbax cannot
        store, and for leaves that it would store under one name.
        """
        if step in self._manager.all_steps():
            return
        _refuse_collisions(tree)
        content = json.loads(json.dumps({"leaves": manifest(tree), "notes": notes}))
        if empty := [leaf for leaf, entry in content["leaves"].items() if 0 in entry["shape"]]:
            raise ValueError(f"a leaf without entries cannot be saved: {', '.join(empty)}")
        items = ocp.args.Composite(
            state=ocp.args.StandardSave(to_host(tree)),
            manifest=ocp.args.JsonSave(content | {"sha256": json_sha256(content)}),
        )
        self.wait()
        with self._writing():
            self._manager.save(step, args=items, force=True)

    def wait(self) -> None:
        """Returns when everything is on disk, and what was to be deleted is not; raises what went wrong."""
        with self._writing():
            self._manager.wait_until_finished()
        self._purge()

    def close(self) -> None:
        """Waits, and closes."""
        try:
            self.wait()
        finally:
            self._manager.close()
            self._purge()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self._end_failed_save()
            if is_full(error):
                raise DiskFull(self.folder, max(self.steps(), default=None)) from error
            raise

    def _end_failed_save(self) -> None:
        """Returns when nothing writes any more; each ``close`` or ``join`` may raise one more of the errors."""
        for _ in range(_MOST_ERRORS):
            with suppress(Exception):
                self._manager.close()
                break
        for thread in threading.enumerate():  # Orbax gives up a save at its first error, and leaves the rest alone
            if type(thread).__module__.startswith("orbax."):
                with suppress(Exception):
                    thread.join(_SECONDS)
        self._manager.reload()  # a step may have been saved though an older one could not be deleted

    def notes(self) -> dict | None:
        """The notes of the newest step whose manifest is intact, without its arrays; None where there is none."""
        for step in reversed(self._present_steps()):
            try:
                return self._read_manifest(step)["notes"]
            except _DamagedError:
                continue
        return None

    def restore(self, like: PyTree, step: int | None = None) -> Restored:
        """The state at ``step``, or at the newest intact step, in the structure of ``like``: arrays of any values, or
        ``jax.ShapeDtypeStruct``.

        ``CheckpointError`` where there is none, or where its leaves are not those of ``like``.
        """
        damaged: dict[int, str] = {}
        for _ in range(_MOST_LOOKS):
            steps = self._present_steps()
            damaged = {number: reason for number, reason in damaged.items() if number in steps}
            if step is not None and step not in steps:
                raise CheckpointError(f"no checkpoint of step {step} in {self.folder}; there are {steps}")
            candidates = [number for number in steps if number not in damaged and step in (None, number)]
            if not candidates:
                break
            for candidate in reversed(candidates):
                try:
                    return Restored(candidate, *self._restore_verified(candidate, like), damaged)
                except _DamagedError as error:
                    damaged[candidate] = str(error)
        reasons = "; ".join(f"step {number}: {reason}" for number, reason in damaged.items()) or "none was saved"
        raise CheckpointError(f"no intact checkpoint in {self.folder} ({reasons}): run it again in a new folder")

    def discard(self, step: int) -> None:
        """Deletes one step."""
        with self._writing():
            self._manager.delete(step)
        self._purge()

    def _read_manifest(self, step: int) -> dict:
        try:
            items = ocp.args.Composite(manifest=ocp.args.JsonRestore())
            written = self._manager.restore(step, args=items)["manifest"]
            digest = written.pop("sha256")
        except Exception as error:  # Orbax raises whatever its file layer raised
            raise _DamagedError(f"its manifest cannot be read: {_first_line(error)}") from error
        if json_sha256(written) != digest:
            raise _DamagedError("its manifest does not have the digest that it was saved with")
        return written

    def _restore_verified(self, step: int, like: PyTree) -> tuple[PyTree, dict]:
        written = self._read_manifest(step)
        if reason := mismatch(written["leaves"], described(like), ("shape", "dtype")):
            raise CheckpointError(f"checkpoint {step} in {self.folder} is of another model: {reason}")
        try:
            items = ocp.args.Composite(state=ocp.args.StandardRestore(_to_read_into(like)))
            tree = from_host(self._manager.restore(step, args=items)["state"], like)
        except Exception as error:  # a truncated file raises a bare Exception
            raise _DamagedError(f"its arrays cannot be read: {_first_line(error)}") from error
        if reason := mismatch(manifest(tree), written["leaves"], ("shape", "dtype", "sha256")):
            raise _DamagedError(reason)
        return tree, written["notes"]


class _DamagedError(CheckpointError):
    pass


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
