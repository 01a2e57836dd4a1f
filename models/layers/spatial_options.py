"""What a kernel or a window is told for each spatial axis, read and checked: its size, stride, dilation and padding."""

from collections.abc import Sequence
from numbers import Integral

import numpy as np
from jax import lax

Padding = str | Sequence[tuple[int, int]]


def per_axis(name: str, value: int | Sequence[int], space: Sequence[int], *, least: int = 1) -> tuple[int, ...]:
    """One number for each axis of ``space``; a single one is that of all axes.

    ``ValueError`` calls it ``name`` where it is no whole number of at least ``least``, or they are more or fewer.
    """
    values = np.asarray(value, object)
    fits = values.shape in ((), (len(space),)) and all(isinstance(n, Integral) and n >= least for n in values.flat)
    if not fits:
        expected = f"a whole number of at least {least}, or one for each axis of {tuple(space)}"
        raise ValueError(f"{name} must be {expected}, got {value!r}")
    return tuple(int(n) for n in np.broadcast_to(values, len(space)))


def padding_per_axis(
    padding: Padding, space: Sequence[int], *, window: Sequence[int], stride: Sequence[int]
) -> tuple[tuple[int, int], ...]:
    """The (low, high) of each axis, for a window that may be named VALID, SAME or SAME_LOWER.

    Any other name raises ``ValueError``; so does what ``explicit_padding`` refuses.
    """
    if not isinstance(padding, str):
        return explicit_padding(padding, space)
    if padding.upper() not in ("VALID", "SAME", "SAME_LOWER"):
        raise ValueError(f"padding must be VALID, SAME, SAME_LOWER or (low, high) for each axis, got {padding!r}")
    return explicit_padding(lax.padtype_to_pads(space, window, stride, padding), space)


def explicit_padding(padding: Sequence[tuple[int, int]], space: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """The (low, high) of each axis of ``space``; ``ValueError`` where they are not such pairs of whole numbers."""
    edges = np.asarray(padding, object)
    if edges.shape != (len(space), 2) or not all(isinstance(edge, Integral) for edge in edges.flat):
        raise ValueError(f"padding must be (low, high) for each axis of {tuple(space)}, got {padding!r}")
    return tuple((int(low), int(high)) for low, high in edges)
