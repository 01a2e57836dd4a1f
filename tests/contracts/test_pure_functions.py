"""What every pure function of the house promises; functions are found, so a new one cannot escape.

Most of the time here is compilation, so the forms of a function that are compiled are compiled once.
"""

import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case
from examples import advice, example, given_cases, is_array, public_functions, takes_arrays

PUBLIC = public_functions()
NAMES = {function: name for name, function in PUBLIC.items()}
CASES = {NAMES.get(function): case for _, function, case in given_cases()}
FUNCTIONS = {name: function for name, function in PUBLIC.items() if takes_arrays(function) or name in CASES}
EVERY = pytest.mark.parametrize("name", FUNCTIONS)


def arrays_of(name, seed=0, dtype=jnp.float32):
    """The function of its array arguments alone, and these."""
    case = CASES.get(name, Case())
    arguments = example(name, FUNCTIONS[name], case, seed, dtype)

    def function(*given):
        given = iter(given)
        return FUNCTIONS[name](*(next(given) if is_array(a) else a for a in arguments), **case.options)

    return function, [a for a in arguments if is_array(a)]


@functools.cache
def compiled(name):
    function, _ = arrays_of(name, dtype=jnp.float64)
    return jax.jit(function)


def floating_leaves(tree):
    """All but indices."""
    return [leaf for leaf in jax.tree.leaves(tree) if jnp.issubdtype(leaf.dtype, jnp.floating)]


def assert_close(one, other, tolerance):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance), one, other)


def test_they_are_found():
    assert {"losses.divergences.gaussian_kl", "models.vae.sample_gaussian", "models.layers.conv.convolve"} <= set(
        FUNCTIONS
    )


def test_every_case_is_of_a_function_and_stands_once():
    for path, function, _ in given_cases():
        assert function in NAMES, f"{path}: CASES has {function!r}, which is no public function of models or losses"
    given = [function for _, function, _ in given_cases()]
    assert len(given) == len(set(given))


def test_a_function_without_example_arguments_is_told_where_to_put_them():
    def pixels(decode, size: int, *, levels: int):
        pass

    with pytest.raises(AssertionError, match=r"decode, size, levels .* CASES in tests/models/layers/test_chart\.py"):
        example("models.layers.chart.pixels", pixels, Case(), 0, jnp.float32)


@EVERY
def test_compiled_is_eager(name, float64):
    function, arrays = arrays_of(name, dtype=jnp.float64)
    try:
        eager = function(*arrays)
    except Exception as error:
        error.add_note(f"if the arguments of {name} do not fit each other, {advice(name)}")
        raise
    assert_close(compiled(name)(*arrays), eager, 1e-12)


@EVERY
def test_mapped_is_a_loop(name, float64):
    function, _ = arrays_of(name, dtype=jnp.float64)
    examples = [arrays_of(name, seed, jnp.float64)[1] for seed in range(3)]
    together = jax.tree.map(lambda *leaves: jnp.stack(leaves), *examples)
    expected = jax.tree.map(lambda *leaves: np.stack(leaves), *(compiled(name)(*arrays) for arrays in examples))
    assert_close(jax.jit(jax.vmap(function))(*together), expected, 1e-12)


@EVERY
def test_gradients_are_finite_and_not_all_zero(name):
    function, arrays = arrays_of(name)
    floating = [i for i, a in enumerate(arrays) if all(leaf.dtype == jnp.float32 for leaf in jax.tree.leaves(a))]
    if not floating:
        return

    def total(*given):
        return sum((jnp.sum(leaf) for leaf in floating_leaves(function(*given))), start=jnp.zeros(()))

    gradients = jax.tree.leaves(jax.jit(jax.grad(total, argnums=tuple(floating)))(*arrays))
    assert all(np.isfinite(gradient).all() for gradient in gradients)
    constant = CASES.get(name, Case()).constant_almost_everywhere
    assert any(np.any(np.asarray(gradient) != 0) for gradient in gradients) != constant


@EVERY
def test_precision_is_kept(name, float64):
    """Of what is given; what takes no floats has JAX' default."""
    for dtype in (jnp.float32, jnp.float64):
        function, arrays = arrays_of(name, dtype=dtype)
        if not floating_leaves(arrays):
            return
        assert {leaf.dtype for leaf in floating_leaves(jax.eval_shape(function, *arrays))} <= {jnp.dtype(dtype)}


@pytest.mark.parametrize("name", sorted(FUNCTIONS.keys() - {"models.layers.conv.flax_convolution"}))
def test_its_docstring_names_a_source(name):
    """A paper, by its year, or a lecture; what only adapts a signature has none."""
    documentation = FUNCTIONS[name].__doc__
    assert re.search(r"Lecture|\b(1[89]|20)\d\d\b", documentation)
