"""Strictness for all tests: types and shapes are checked, promotions are errors, and there are two devices."""

import os

os.environ["JAX_PLATFORMS"] = "cpu"
os.environ.pop("JAX_COMPILATION_CACHE_DIR", None)

import jax
from jaxtyping import install_import_hook

jax.config.update("jax_num_cpu_devices", 2)
jax.config.update("jax_numpy_dtype_promotion", "strict")
install_import_hook(["models", "losses", "train"], "beartype.beartype").__enter__()

import matplotlib
import optax
import pytest

matplotlib.use("Agg")


def _let_through(function):
    def called(*arguments, **options):
        with jax.numpy_dtype_promotion("standard"):
            return function(*arguments, **options)

    return called


# Optax raises a float to an integer count: the one implicit promotion that is not ours to write out.
optax.tree.bias_correction = _let_through(optax.tree.bias_correction)


@pytest.fixture
def float64():
    """Double precision, so that execution forms can be compared to 1e-9."""
    with jax.enable_x64(True):
        yield
