"""What every pure function of the house promises; functions are found, so a new one cannot escape."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from examples import CONSTANT_ALMOST_EVERYWHERE, example, is_array, pure_functions

FUNCTIONS = pure_functions()
EVERY = pytest.mark.parametrize("name", FUNCTIONS)


def arrays_of(name, seed=0, dtype=jnp.float32):
    """The function of its array arguments alone, and these."""
    arguments = example(name, FUNCTIONS[name], seed, dtype)
    arrays = [a for a in arguments if is_array(a)]

    def function(*given):
        given = iter(given)
        return FUNCTIONS[name](*(next(given) if is_array(a) else a for a in arguments))

    return function, arrays


def floating_leaves(tree):
    """All but indices."""
    return [leaf for leaf in jax.tree.leaves(tree) if jnp.issubdtype(leaf.dtype, jnp.floating)]


def assert_close(one, other, tolerance):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance), one, other)


def test_they_are_found():
    assert {"losses.divergences.gaussian_kl", "models.vae.sample_gaussian", "models.layers.conv.convolve"} <= set(
        FUNCTIONS
    )


@EVERY
def test_compiled_is_eager(name, float64):
    function, arrays = arrays_of(name, dtype=jnp.float64)
    assert_close(jax.jit(function)(*arrays), function(*arrays), 1e-12)


@EVERY
def test_mapped_is_a_loop(name, float64):
    function, _ = arrays_of(name, dtype=jnp.float64)
    examples = [arrays_of(name, seed, jnp.float64)[1] for seed in range(3)]
    together = jax.tree.map(lambda *leaves: jnp.stack(leaves), *examples)
    expected = jax.tree.map(lambda *leaves: jnp.stack(leaves), *(function(*arrays) for arrays in examples))
    assert_close(jax.vmap(function)(*together), expected, 1e-12)


@EVERY
def test_gradients_are_finite_and_not_all_zero(name):
    function, arrays = arrays_of(name)
    floating = [i for i, a in enumerate(arrays) if all(leaf.dtype == jnp.float32 for leaf in jax.tree.leaves(a))]

    def total(*given):
        return sum((jnp.sum(leaf) for leaf in floating_leaves(function(*given))), start=jnp.zeros(()))

    gradients = jax.tree.leaves(jax.grad(total, argnums=tuple(floating))(*arrays))
    assert all(np.isfinite(gradient).all() for gradient in gradients)
    assert any(np.any(gradient != 0) for gradient in gradients) == (name not in CONSTANT_ALMOST_EVERYWHERE)


@EVERY
def test_precision_is_kept(name, float64):
    for dtype in (jnp.float32, jnp.float64):
        function, arrays = arrays_of(name, dtype=dtype)
        assert {leaf.dtype for leaf in floating_leaves(function(*arrays))} <= {jnp.dtype(dtype)}


@pytest.mark.parametrize("name", sorted(FUNCTIONS.keys() - {"models.layers.conv.flax_convolution"}))
def test_its_docstring_names_a_source(name):
    """A paper, by its year, or a lecture; what only adapts a signature has none."""
    documentation = FUNCTIONS[name].__doc__
    assert re.search(r"Lecture|\b(1[89]|20)\d\d\b", documentation)
