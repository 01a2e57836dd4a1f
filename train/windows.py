"""Windows into a long sequence, gathered where they are needed and never all written out."""

from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Windows:
    """The windows of ``length`` neighbours in ``sequence``, one beginning at every ``stride``-th place.

        window i = sequence[i · stride], …, sequence[i · stride + length − 1]

    It is read like an array of shape [windows, length], along axis 0: ``windows[index]``, ``windows[:8]``, ``len``,
    ``shape``; on the host or inside a compiled step. What it holds is the sequence alone, as a tree of one leaf. What
    is left at the end of the sequence, too short for a window, belongs to none.
    """

    sequence: Any
    """The values [places]: a NumPy array, in memory or memory-mapped, or a JAX array."""
    length: int = field(metadata={"static": True})
    """Values in a window."""
    stride: int = field(metadata={"static": True})
    """Places from the beginning of one window to the beginning of the next."""

    @property
    def shape(self) -> tuple[int, int]:
        """The number of windows, and their length."""
        return max((self.sequence.shape[0] - self.length) // self.stride + 1, 0), self.length

    @property
    def dtype(self) -> np.dtype:
        """Of the values."""
        return self.sequence.dtype

    @property
    def nbytes(self) -> int:
        """What it takes in memory: the bytes of the sequence."""
        return self.sequence.nbytes

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> np.ndarray | jax.Array:
        """The windows at ``index`` (a number, a slice, or integers of any shape), along a last axis of places.

        On the host a slice is a view of the sequence, and numbers out of range raise ``IndexError``.
        """
        if isinstance(self.sequence, np.ndarray):
            return np.lib.stride_tricks.sliding_window_view(self.sequence, self.length)[:: self.stride][index]
        index = jnp.arange(len(self))[index] if isinstance(index, slice) else jnp.asarray(index)
        starts = jnp.where(index < 0, index + len(self), index) * self.stride
        return self.sequence[starts[..., None] + jnp.arange(self.length, dtype=starts.dtype)]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """All windows written out."""
        return np.array(self[:], dtype)


def gather(examples: PyTree, index: Any) -> PyTree:
    """``leaf[index]`` of every array in ``examples``, where ``Windows`` count as arrays."""
    return jax.tree.map(lambda leaf: leaf[index], examples, is_leaf=_is_windows)


def count(examples: PyTree) -> int:
    """The common length of axis 0 of all arrays and ``Windows``; ``ValueError`` where they disagree."""
    lengths = sorted({leaf.shape[0] for leaf in jax.tree.leaves(examples, is_leaf=_is_windows)})
    if len(lengths) != 1:
        raise ValueError(f"the arrays of a data set must share axis 0, got lengths {lengths}")
    return lengths[0]


def _is_windows(leaf: Any) -> bool:
    return isinstance(leaf, Windows)
