"""Oracles of ``train/manifest.py``: the digest of a tree is that of its bits, and changes with each of them."""

import json

import jax
import jax.numpy as jnp
from saved_states import state

from train.manifest import tree_sha256


def test_tree_sha256_is_that_of_the_bits():
    assert tree_sha256(state(1)) == tree_sha256(state(1))
    assert tree_sha256(jax.tree.map(jnp.copy, state(1))) == tree_sha256(state(1))


def test_tree_sha256_changes_with_one_bit_a_dtype_a_shape_or_a_name():
    words = jnp.arange(4, dtype=jnp.uint32)
    trees = [
        {"w": words},
        {"w": words.at[3].set(2)},
        {"w": words.view(jnp.int32)},
        {"w": words.reshape(2, 2)},
        {"v": words},
        {"w": words, "v": jnp.zeros(0)},
        {"w": words[:2], "x": words[2:]},
        {"w": words[::-1]},
    ]
    assert len({tree_sha256(tree) for tree in trees}) == len(trees)


def test_tree_sha256_tells_zero_from_minus_zero():
    assert tree_sha256({"x": jnp.float32(0.0)}) != tree_sha256({"x": jnp.float32(-0.0)})


def test_the_manifest_is_json_with_a_digest_for_every_leaf(folder):
    written = json.loads((folder / "2" / "manifest" / "metadata").read_text())
    assert set(written["leaves"]) == {jax.tree_util.keystr(path) for path, _ in jax.tree.leaves_with_path(state(2))}
