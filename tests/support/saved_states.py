"""States of leaves of every kind, saved as checkpoints, and whether they came back to the bit."""

from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np

from train.checkpoint import Checkpoints


class Layer(NamedTuple):
    weight: Any
    rest: Any


def random_bits(dtype: str, shape: tuple[int, ...], seed: int = 0) -> jax.Array:
    """An array of any bits of its type: NaNs with payloads, infinities and denormals among them."""
    dtype = np.dtype(getattr(ml_dtypes, dtype, dtype))
    rng = np.random.default_rng(seed)
    if dtype.kind == "b":
        return jnp.asarray(rng.integers(0, 2, shape).astype(bool))
    raw = rng.integers(0, 256, (*shape, dtype.itemsize)).astype(np.uint8)
    return jnp.asarray(raw.view(dtype).reshape(shape))


def state(seed: int) -> dict:
    """Nested tuples, dicts and NamedTuples of small leaves, and one leaf large enough for a file of its own."""
    return {
        "layers": (Layer(random_bits("float32", (64, 64), seed), {"b": random_bits("bfloat16", (3,), seed)}), ()),
        "count": jnp.int32(seed),
        "key": jax.random.split(jax.random.key(seed), 2),
    }


def bits(tree) -> list[tuple]:
    """Structure, and shape, dtype and bytes of every leaf."""

    def of(leaf) -> tuple:
        is_key = jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key)
        words = np.asarray(jax.random.key_data(leaf) if is_key else leaf)
        return leaf.shape, str(leaf.dtype), words.tobytes()

    leaves, structure = jax.tree.flatten(tree)
    return [structure, *map(of, leaves)]


def notes(seed: int) -> dict:
    return {"wall_seconds": seed + 0.5, "config": {"rate": 0.1, "name": "vae é", "sizes": [1, 2]}, "none": None}


def save_all(folder: Path, steps: list[int], *, keep: int = 3) -> None:
    with Checkpoints(folder, keep=keep) as checkpoints:
        for step in steps:
            checkpoints.save(step, state(step), notes(step))


def restore(folder: Path, like=None, step: int | None = None):
    with Checkpoints(folder) as checkpoints:
        return checkpoints.restore(state(0) if like is None else like, step)


def assert_is_step(restored, step: int) -> None:
    assert (restored.step, restored.notes, bits(restored.tree)) == (step, notes(step), bits(state(step)))
