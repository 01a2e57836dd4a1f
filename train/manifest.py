"""The manifest of a tree: what each leaf is, with a SHA-256 of its bytes, and where two manifests differ."""

import hashlib
import json

import jax
import numpy as np
from jaxtyping import PyTree

from train.processes import gather


def manifest(tree: PyTree) -> dict[str, dict[str, object]]:
    """Leaf path → shape, dtype (of random keys: their kind) and SHA-256 of the bytes."""
    return {
        path: entry | {"sha256": hashlib.sha256(np.ascontiguousarray(gather(leaf)).tobytes()).hexdigest()}
        for (path, entry), leaf in zip(described(tree).items(), jax.tree.leaves(tree), strict=True)
    }


def described(tree: PyTree) -> dict[str, dict[str, object]]:
    """Leaf path → shape and dtype (of random keys: their kind)."""
    return {
        jax.tree_util.keystr(path): {"shape": list(leaf.shape), "dtype": str(leaf.dtype)}
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
    }


def tree_sha256(tree: PyTree) -> str:
    """One digest of a whole state: paths, shapes, dtypes and bytes of all its leaves."""
    return json_sha256(manifest(tree))


def json_sha256(content: dict) -> str:
    """The digest of JSON-able ``content``, whatever the order of its names."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def mismatch(found: dict, expected: dict, fields: tuple[str, ...]) -> str | None:
    """The first leaf, by name, that is in one manifest alone or differs in one of ``fields``; None where none does."""
    for leaf in sorted(found.keys() | expected.keys()):
        if leaf not in found:
            return f"leaf {leaf} is missing"
        if leaf not in expected:
            return f"leaf {leaf} is not expected"
        for field in fields:
            if found[leaf][field] != expected[leaf][field]:
                return f"leaf {leaf} has {field} {found[leaf][field]}, expected {expected[leaf][field]}"
    return None
