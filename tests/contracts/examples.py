"""Arguments for pure functions, made from the shapes in their types.

``GIVEN`` holds those that types cannot tell; a new function whose arguments do not fit each other is added there.
"""

import importlib
import inspect
import pkgutil
from typing import get_type_hints

import jax
import jax.numpy as jnp

import losses
import models
from models.layers import conv

SIZES = (3, 2, 4, 5, 6, 7)


def pure_functions():
    """Every public function of ``models`` and ``losses`` that takes arrays, by name."""
    found = {}
    for package in (models, losses):
        for module_info in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            module = importlib.import_module(module_info.name)
            for name, function in inspect.getmembers(module, inspect.isfunction):
                if function.__module__ == module.__name__ and not name.startswith("_") and takes_arrays(function):
                    found[f"{module.__name__}.{name}"] = function
    return found


def positional(function):
    hints = get_type_hints(function)
    parameters = inspect.signature(function).parameters.values()
    return {p.name: hints.get(p.name) for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD}


def takes_arrays(function):
    return any(hasattr(hint, "dim_str") or is_record(hint) for hint in positional(function).values())


def is_record(hint):
    return hasattr(hint, "_fields") and all(hasattr(h, "dim_str") for h in get_type_hints(hint).values())


def example(name, function, seed, dtype):
    """One set of arguments; different numbers for every ``seed``, the same shapes."""
    if name in GIVEN:
        return GIVEN[name](seed, dtype)
    sizes = {}
    return tuple(
        make(hint, jax.random.fold_in(jax.random.key(seed), number), sizes, dtype)
        for number, hint in enumerate(positional(function).values())
    )


def make(hint, key, sizes, dtype):
    if is_record(hint):
        fields = get_type_hints(hint).values()
        return hint(*(make(field, jax.random.fold_in(key, i), sizes, dtype) for i, field in enumerate(fields)))
    shape = []
    for axis in hint.dim_str.split():
        sizes.setdefault(axis, SIZES[len(sizes)])
        shape += [2, sizes[axis]] if axis.startswith("*") else [sizes[axis]]
    kinds = " ".join(str(kind) for kind in hint.dtypes)
    if "key" in kinds:
        return jax.random.split(key, shape) if shape else key
    if "float" in kinds:
        return jax.random.normal(key, shape, dtype)
    return jax.random.randint(key, shape, 0, 2)


def _images_and_kernel(seed, dtype):
    images, kernel = jax.random.split(jax.random.key(seed))
    return jax.random.normal(images, (2, 5, 6, 3), dtype), jax.random.normal(kernel, (3, 2, 3, 4), dtype)


def _flax_arguments(seed, dtype):
    return *_images_and_kernel(seed, dtype), (1, 1), "SAME"


GIVEN = {
    f"{conv.__name__}.convolve": _images_and_kernel,
    f"{conv.__name__}.flax_convolution": _flax_arguments,
}


def is_array(value):
    return all(isinstance(leaf, jnp.ndarray) for leaf in jax.tree.leaves(value))
