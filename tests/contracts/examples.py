"""Pure functions and example arguments for them: from the cases beside their tests, otherwise from their types."""

import importlib
import importlib.util
import inspect
import pkgutil
import re
from pathlib import Path
from typing import get_type_hints

import jax
import jax.numpy as jnp
import numpy as np

import losses
import models

TESTS = Path(__file__).parents[1]
SIZES = (3, 2, 4, 5, 6, 7)


def public_functions():
    """Every public function of ``models`` and ``losses``, by name."""
    found = {}
    for package in (models, losses):
        for module_info in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            module = importlib.import_module(module_info.name)
            for name, function in inspect.getmembers(module, inspect.isfunction):
                if function.__module__ == module.__name__ and not name.startswith("_"):
                    found[f"{module.__name__}.{name}"] = function
    return found


def given_cases():
    """(test file, function, case) for every entry of a table ``CASES`` in the tests of ``models`` and ``losses``."""
    for path in sorted(path for package in ("models", "losses") for path in (TESTS / package).rglob("test_*.py")):
        if re.search("^CASES = ", path.read_text(), re.MULTILINE):
            for function, case in module_of(path).CASES.items():
                yield path.relative_to(TESTS.parent), function, case


def module_of(path):
    """The test file as a module; beside the one that pytest imports, as either may come first."""
    spec = importlib.util.spec_from_file_location(f"cases_of_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def place_of_case(name):
    """The test file in which a case of this function belongs."""
    *folders, module, _ = name.split(".")
    return "/".join(("tests", *folders, f"test_{module}.py"))


def positional(function):
    hints = get_type_hints(function)
    parameters = inspect.signature(function).parameters.values()
    return {p.name: hints.get(p.name) for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD}


def takes_arrays(function):
    hints = positional(function).values()
    return any(hasattr(hint, "leaftype") or has_a_shape(hint) for hint in hints)


def has_a_shape(hint):
    return hasattr(hint, "dim_str") or is_record(hint)


def is_record(hint):
    return hasattr(hint, "_fields") and all(hasattr(h, "dim_str") for h in get_type_hints(hint).values())


def example(name, function, case, seed, dtype):
    """One tuple of arguments; different numbers for every ``seed``, the same shapes."""
    rng = np.random.default_rng(seed)
    if case.arguments:
        return jax.tree.map(lambda leaf: to_jax(leaf, dtype), case.arguments(rng))
    assert_types_tell_the_arguments(name, function, case.options)
    sizes = {}
    return tuple(make(hint, rng, sizes, dtype) for hint in positional(function).values())


def assert_types_tell_the_arguments(name, function, options):
    silent = [parameter for parameter, hint in positional(function).items() if not has_a_shape(hint)]
    parameters = inspect.signature(function).parameters.values()
    silent += [
        p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is p.empty and p.name not in options
    ]
    assert not silent, f"no type tells an example of {', '.join(silent)} for {name}: {advice(name)}"


def advice(name):
    return f"add a case to CASES in {place_of_case(name)}, as docs/adding-a-system.md says"


def to_jax(leaf, dtype):
    if not isinstance(leaf, np.ndarray | np.generic):
        return leaf
    return jnp.asarray(leaf, dtype if np.issubdtype(leaf.dtype, np.floating) else None)


def make(hint, rng, sizes, dtype):
    if is_record(hint):
        return hint(*(make(field, rng, sizes, dtype) for field in get_type_hints(hint).values()))
    shape = []
    for axis in hint.dim_str.split():
        sizes.setdefault(axis, SIZES[len(sizes)])
        shape += [2, sizes[axis]] if axis.startswith("*") else [sizes[axis]]
    kinds = " ".join(str(kind) for kind in hint.dtypes)
    if "key" in kinds:
        key = jax.random.key(int(rng.integers(2**31)))
        return jax.random.split(key, shape) if shape else key
    if "float" in kinds:
        return to_jax(rng.normal(size=shape), dtype)
    return to_jax(rng.integers(0, 2, shape), dtype)


def is_array(value):
    return all(isinstance(leaf, jnp.ndarray) for leaf in jax.tree.leaves(value))
