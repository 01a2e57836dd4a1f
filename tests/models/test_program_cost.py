"""FLOPs by tracing, against counting by hand and against XLA where there is no loop."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from models.layers.conv import convolve
from models.layers.cost import convolution_cost
from models.mlp import MLPClassifier
from models.program_cost import has_loops, product_flops

SQUARE = jax.ShapeDtypeStruct((5, 5), jnp.float32)


def test_a_product_is_two_operations_a_term():
    left, right = jnp.zeros((3, 4, 5)), jnp.zeros((3, 5, 7))
    assert product_flops(lambda a, b: a @ b, left, right) == 2 * 3 * 4 * 5 * 7


def test_what_is_repeated_counts_as_often_as_it_runs():
    def scanned(matrix):
        return jax.lax.scan(lambda carry, _: (carry @ matrix, None), matrix, length=6)[0]

    def unrolled(matrix):
        result = matrix
        for _ in range(6):
            result = result @ matrix
        return result

    assert product_flops(scanned, SQUARE) == product_flops(unrolled, SQUARE) == 6 * 2 * 5**3
    mapped = product_flops(lambda batch: jax.lax.map(lambda m: m @ m, batch, batch_size=2), jnp.zeros((5, 5, 5)))
    assert mapped == 5 * 2 * 5**3
    assert (has_loops(scanned, SQUARE), has_loops(unrolled, SQUARE)) == (True, False)
    assert has_loops(jax.jit(lambda m: jax.jit(scanned)(m)), SQUARE)


def test_of_branches_the_dearest_counts():
    def either(choice, matrix):
        return jax.lax.cond(choice, lambda m: m @ m @ m, lambda m: m @ m, matrix)

    assert product_flops(either, True, SQUARE) == 2 * 2 * 5**3


def test_a_loop_of_unknown_length_has_no_number():
    def until(matrix):
        return jax.lax.while_loop(lambda m: m[0, 0] < 1, lambda m: m @ m, matrix)

    assert product_flops(until, SQUARE) is None
    assert product_flops(lambda m: jax.lax.while_loop(lambda x: x < 1, lambda x: x + 1, m[0, 0]), SQUARE) == 0


@pytest.mark.parametrize("padding", ["VALID", "SAME"])
def test_a_convolution_has_its_formula(padding):
    images, kernel = jnp.zeros((2, 9, 8, 3)), jnp.zeros((3, 2, 3, 4))
    result = jax.eval_shape(lambda i, k: convolve(i, k, padding=padding), images, kernel)
    expected = 2 * convolution_cost((3, 2), 3, 4, positions=result.shape[1:3], bias=False).flops
    assert product_flops(lambda i, k: convolve(i, k, padding=padding), images, kernel) == expected


def test_a_gradient_step_costs_what_xla_counts():
    """Within the activations, biases and the loss, which are left out."""
    model, images = MLPClassifier((64, 64), 10, "relu"), jnp.zeros((32, 8, 8, 1))
    params = jax.eval_shape(model.init, jax.random.key(0), images)

    def gradient(params, images):
        return jax.grad(lambda p: jnp.mean(model.apply(p, images) ** 2))(params)

    counted = jax.jit(gradient).lower(params, images).cost_analysis()["flops"]
    np.testing.assert_allclose(product_flops(gradient, params, images), counted, rtol=0.05)
