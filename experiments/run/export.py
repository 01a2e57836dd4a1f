"""A trained network for others: weights as safetensors, and the forward pass as StableHLO.

What is written is read without this package: ``safetensors`` gives the weights, ``jax.export.deserialize`` the function
``call(weights, inputs)``, for any number of inputs.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, PyTree

from experiments.errors import WrongInput
from experiments.run.run_folder import RunFolderError, all_or_none, write_json
from experiments.run.saved_run import SavedRun
from experiments.run.weights import save_weights

WEIGHTS, KEYS, FORWARD = "weights.safetensors", "keys.json", "forward.stablehlo"
PLATFORMS = ("cpu", "cuda", "rocm", "tpu")
"""As ``jax.export`` names them; it takes any other name too, for a function that runs nowhere."""
INPUTS = ("image", "symbols", "point")
"""What a network takes where its experiment says nothing else, by the name that the data set's examples have for it."""


class Exported(NamedTuple):
    """What was written."""

    seed: int
    step: int
    arrays: int
    numbers: int
    """in all arrays together"""
    platforms: tuple[str, ...]
    """that the forward pass runs on"""
    inputs: str
    """type and shape of what it takes"""
    outputs: dict[str, str]
    """the same of what it gives, by name"""


def export(
    saved: SavedRun, folder: Path, *, seed: int | None = None, step: int | None = None, platforms: Sequence[str] = ()
) -> Exported:
    """Writes the network of one seed and step to a new folder, for the platforms named, or else the one it runs on.

    ``WrongInput`` where the folder holds anything, a platform is unknown, or the experiment has not one network that
    takes one array.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RunFolderError(f"{folder} is not an empty folder: choose another --to")
    if unknown := sorted(set(platforms) - set(PLATFORMS)):
        raise WrongInput(f"no platform {unknown[0]!r} for --platforms; there are: {', '.join(PLATFORMS)}")
    network = saved.network
    seed = saved.settings.seeds.seed if seed is None else seed
    step, params = saved.at(seed=seed, step=step)
    weights, paths = named(params)
    forward = exported_forward(network, params, _inputs(saved, network, params), platforms)
    with all_or_none(folder):
        save_weights(weights, folder / WEIGHTS)
        write_json(folder / KEYS, paths)
        (folder / FORWARD).write_bytes(forward.serialize())
    numbers = sum(leaf.size for leaf in weights.values())
    outputs = jax.tree.unflatten(forward.out_tree, map(_type_and_shape, forward.out_avals))
    inputs = _type_and_shape(forward.in_avals[-1])
    return Exported(seed, step, len(weights), numbers, forward.platforms, inputs, outputs)


def named(tree: PyTree) -> tuple[dict[str, np.ndarray], dict[str, list[str | int]]]:
    """The leaves by their keys joined by full stops, and the keys of each. ``WrongInput`` where two have one name."""
    leaves: dict[str, np.ndarray] = {}
    paths: dict[str, list[str | int]] = {}
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
        name = jax.tree_util.keystr(path, simple=True, separator=".")
        if name in leaves:
            raise WrongInput(f"two weights would be named {name}")
        leaves[name] = np.asarray(leaf)
        paths[name] = [_plain(key) for key in path]
    return leaves, paths


def exported_forward(
    network: nn.Module, params: PyTree, inputs: Array, platforms: Sequence[str] = ()
) -> jax.export.Exported:
    """``(weights by name, inputs) → outputs by name`` for any number of inputs like these."""
    structure = jax.tree.structure(params)
    weights, _ = named(params)

    def forward(weights: dict[str, Array], inputs: Array) -> dict[str, Array]:
        outputs = network.apply(jax.tree.unflatten(structure, [weights[name] for name in names]), inputs)
        leaves = jax.tree_util.tree_leaves_with_path(outputs)
        return {jax.tree_util.keystr(path, simple=True, separator=".") or "output": leaf for path, leaf in leaves}

    names = list(weights)
    (count,) = jax.export.symbolic_shape("batch")
    shapes = (
        {name: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype) for name, leaf in weights.items()},
        jax.ShapeDtypeStruct((count, *inputs.shape[1:]), inputs.dtype),
    )
    return jax.export.export(jax.jit(forward), platforms=tuple(platforms) or None)(*shapes)


def _inputs(saved: SavedRun, network: nn.Module, params: PyTree) -> Array:
    """One of what the network takes, whole numbers as int32; ``WrongInput`` where that is not one array."""
    example, of_experiment = saved.dataset.example(), saved.run.experiment.inputs
    example = {
        name: jnp.asarray(each, jnp.int32 if each.dtype.kind in "iu" else None) for name, each in example.items()
    }
    if of_experiment is not None:
        return of_experiment(saved.settings, example)
    inputs = next((example[name] for name in INPUTS if name in example), None)
    try:
        if inputs is not None:
            jax.eval_shape(network.apply, params, inputs)
            return inputs
    except (TypeError, ValueError):
        pass
    raise WrongInput(
        f"the network of {saved.run.name} cannot be exported: an exported one takes one array, and this one takes what "
        f"is made of {', '.join(example)}. `open_run` has it as it is: run.network.apply(run.params(), …)"
    )


def _type_and_shape(array: jax.core.AbstractValue) -> str:
    """As ``float32 [batch, 8, 8, 1]``."""
    return f"{array.dtype} [{', '.join(map(str, array.shape))}]"


def _plain(key: Any) -> str | int:
    """The key itself of a step into a dict, a sequence or an object."""
    return next(getattr(key, name) for name in ("key", "idx", "name") if hasattr(key, name))
