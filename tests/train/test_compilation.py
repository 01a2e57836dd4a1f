"""What is compiled for few calls computes what any compiled function does."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from train.compilation import jit_of_few_calls


@pytest.fixture(params=[True, False], ids=["as tests compile", "as users compile"])
def optimisation(request):
    """With and without ``JAX_DISABLE_MOST_OPTIMIZATIONS``."""
    name = "jax_disable_most_optimizations"
    before = jax.config.read(name)
    jax.config.update(name, request.param)
    yield
    jax.config.update(name, before)


def test_it_computes_the_same(optimisation):
    values = np.linspace(-3, 3, 1000, dtype=np.float32)
    found = jit_of_few_calls(lambda x: (jnp.exp(x), jnp.tanh(x)), donate_argnums=())(values)
    np.testing.assert_allclose(found[0], np.exp(values), rtol=1e-6)
    np.testing.assert_allclose(found[1], np.tanh(values), rtol=1e-6)


def test_draws_have_the_bits_of_any_compiled_function(optimisation):
    def draw(key):
        return jax.random.bits(key, (100,)), jax.random.permutation(key, 100)

    for few, many in zip(jit_of_few_calls(draw)(jax.random.key(0)), jax.jit(draw)(jax.random.key(0)), strict=True):
        np.testing.assert_array_equal(few, many)
