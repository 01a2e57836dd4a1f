"""Strictness for all tests: types and shapes are checked, promotions are errors, and there are two devices."""

import os
import tempfile

os.environ["JAX_PLATFORMS"] = "cpu"
# A cache of compiled programs that lives as long as the tests, also for the processes that they start.
CACHE = tempfile.TemporaryDirectory(prefix="lectern-tests-")
os.environ["XDG_CACHE_HOME"] = CACHE.name
os.environ["JAX_COMPILATION_CACHE_DIR"] = CACHE.name
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.1"
# Most of the time of the tests is compilation; with JAX_DISABLE_MOST_OPTIMIZATIONS=0 they pass too, later.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")

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
