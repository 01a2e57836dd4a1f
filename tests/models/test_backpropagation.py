"""The recursion of the deltas against nets differentiated by hand, and against autodiff of other code."""

from itertools import pairwise, product

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from cases import Case

from models.backpropagation import DERIVATIVES, FUNCTIONS, Layer, backpropagate, deltas, forward, output_delta
from models.mlp import ACTIVATIONS, MLP


def small_net(rng):
    """An input, a target, layers of 3 → 4 → 2 as (kernel, bias), and a pre-activation of each."""
    layers = [Layer(rng.normal(size=shape), rng.normal(size=shape[1])) for shape in ((3, 4), (4, 2))]
    return rng.normal(size=3), rng.normal(size=2), layers, [rng.normal(size=size) for size in (4, 2)]


def arguments_of_deltas(rng):
    _, target, layers, pre_activations = small_net(rng)
    return layers, pre_activations, target


CASES = {
    forward: Case(lambda rng: small_net(rng)[::2]),
    deltas: Case(arguments_of_deltas),
    backpropagate: Case(lambda rng: small_net(rng)[:3]),
}

HIDDEN = ("sigmoid", "tanh", "relu", "linear")
ENDS = [*((name, "squared_error") for name in HIDDEN), ("sigmoid", "cross_entropy"), ("softmax", "cross_entropy")]
WIDTHS = [(3, 2), (2, 2, 1), (4, 1, 3), (1, 6, 5, 2), (3, 4, 2, 5, 4, 3)]


def vector(*numbers):
    return jnp.asarray(numbers, float)


def assert_gradients(actual, *expected):
    for layer, (kernel, bias) in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(layer.kernel, kernel)
        np.testing.assert_array_equal(layer.bias, bias)


XOR = [Layer(jnp.ones((2, 2)), vector(0, -1)), Layer(jnp.asarray([[1.0], [-2.0]]), vector(0))]


def test_the_xor_net_by_hand():
    """The weights of Goodfellow, Bengio & Courville 2016, section 6.1, at (1, 1), where the target is said to be 1.

    z_1 = (2, 1) = a_1;  y = 2 − 2·1 = 0;  L = (0 − 1)²
    δ_2 = 2 (0 − 1) = −2;   ∂W_2 = a_1 δ_2 = (−4, −2)
    δ_1 = (1, −2)·(−2) ⊙ (1, 1) = (−2, 4);   ∂W_1 = (1, 1)ᵀ (−2, 4)
    """
    gradients = backpropagate(vector(1, 1), vector(1), XOR, hidden_activation="relu")
    assert_gradients(gradients, ([[-2, 4], [-2, 4]], [-2, 4]), ([[-4], [-2]], [-2]))


def test_a_unit_that_is_off_passes_nothing_back_by_hand():
    """At (0, 1) with target 3: z_1 = (1, 0), whose second unit is off;  y = 1;  δ_2 = −4;  δ_1 = (−4, 0)."""
    gradients = backpropagate(vector(0, 1), vector(3), XOR, hidden_activation="relu")
    assert_gradients(gradients, ([[0, 0], [-4, 0]], [-4, 0]), ([[-4], [0]], [-4]))


@pytest.mark.parametrize(("loss", "last"), [("squared_error", -0.25), ("cross_entropy", -0.5)])
def test_a_sigmoid_net_by_hand(loss, last):
    """Weights with z_1 = (0, 0) and z_2 = 0, where σ = ½ and σ′ = ¼; the target is 1.

    δ_2 = 2 (½ − 1)·¼ = −¼ under the squared error, ½ − 1 = −½ under the cross-entropy;   ∂W_2 = (½, ½) δ_2
    δ_1 = (2, −4) δ_2 ⊙ (¼, ¼) = (½ δ_2, −δ_2);   ∂W_1 = (3, −1)ᵀ δ_1
    """
    layers = [Layer(jnp.asarray([[1.0, 2.0], [3.0, 5.0]]), vector(0, -1)), Layer(vector(2, -4)[:, None], vector(1))]
    gradients = backpropagate(vector(3, -1), vector(1), layers, output_activation="sigmoid", loss=loss)
    first = np.asarray([0.5 * last, -last])
    assert_gradients(gradients, (np.outer([3, -1], first), first), ([[0.5 * last], [0.5 * last]], [last]))


def test_deltas_run_from_the_last_layer_to_the_first_by_hand():
    """Linear units, W_2 = (2 3), W_3 = (5): δ_3 = 1, δ_2 = 5, δ_1 = (2·5, 3·5)."""
    kernels = [jnp.ones((1, 2)), jnp.asarray([[2.0], [3.0]]), jnp.asarray([[5.0]])]
    layers = [Layer(kernel, jnp.zeros(kernel.shape[1])) for kernel in kernels]
    found = deltas(layers, [vector(0, 0), vector(0), vector(0)], vector(1), hidden_activation="linear")
    assert [delta.tolist() for delta in found] == [[10, 15], [5], [1]]


def problem(widths, dtype, *, simplex):
    """A random net as (kernel, bias) pairs, an input, and a target, a distribution over the outputs or any numbers."""
    rng = np.random.default_rng(widths)
    pairs = [(rng.normal(size=shape) / np.sqrt(shape[0]), rng.normal(size=shape[1])) for shape in pairwise(widths)]
    target = rng.dirichlet(np.ones(widths[-1])) if simplex else rng.uniform(size=widths[-1])
    return jax.tree.map(lambda array: jnp.asarray(array, dtype), (pairs, rng.normal(size=widths[0]), target))


def plain_loss(pairs, inputs, target, hidden, end, loss):
    """The same networks and losses from Flax's and Optax's functions, sharing nothing with the code under test."""
    functions = {"sigmoid": jax.nn.sigmoid, "tanh": jnp.tanh, "relu": jax.nn.relu, "linear": lambda x: x}
    *inner, (kernel, bias) = pairs
    for weights, shift in inner:
        inputs = functions[hidden](jnp.dot(weights.T, inputs) + shift)
    logits = jnp.dot(kernel.T, inputs) + bias
    if loss == "squared_error":
        return jnp.sum((functions[end](logits) - target) ** 2)
    if end == "softmax":
        return optax.softmax_cross_entropy(logits, target)
    return jnp.sum(optax.sigmoid_binary_cross_entropy(logits, target))


def assert_is_autodiff(widths, hidden, end, loss, dtype, tolerance):
    pairs, inputs, target = problem(widths, dtype, simplex=end == "softmax")
    expected = jax.grad(plain_loss)(pairs, inputs, target, hidden, end, loss)
    names = {"hidden_activation": hidden, "output_activation": end, "loss": loss}
    actual = backpropagate(inputs, target, [Layer(*pair) for pair in pairs], **names)
    for layer, (kernel, bias) in zip(actual, expected, strict=True):
        np.testing.assert_allclose(layer.kernel, kernel, rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(layer.bias, bias, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("widths", WIDTHS, ids=str)
@pytest.mark.parametrize("hidden", HIDDEN)
def test_it_is_autodiff(widths, hidden, float64):
    for end, loss in ENDS:
        assert_is_autodiff(widths, hidden, end, loss, jnp.float64, 1e-10)


@pytest.mark.parametrize("hidden", HIDDEN)
def test_it_is_autodiff_in_single_precision(hidden):
    for widths, (end, loss) in product(WIDTHS[:-1], ENDS):
        assert_is_autodiff(widths, hidden, end, loss, jnp.float32, 1e-6)


@pytest.mark.parametrize("name", DERIVATIVES)
def test_derivatives_are_central_differences(name, float64):
    """Away from the corner of relu, which counts as flat."""
    points, step = jnp.asarray([-3.0, -0.7, -0.1, 0.2, 1.3, 4.0]), 1e-5
    slope = (FUNCTIONS[name](points + step) - FUNCTIONS[name](points - step)) / (2 * step)
    np.testing.assert_allclose(DERIVATIVES[name](points), slope, rtol=0, atol=1e-9)
    assert DERIVATIVES["relu"](jnp.zeros(())) == 0


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_forward_pass_is_the_perceptron(name, float64):
    pairs, inputs, _ = problem((3, 4, 2), jnp.float64, simplex=False)
    params = {f"Dense_{i}": {"kernel": kernel, "bias": bias} for i, (kernel, bias) in enumerate(pairs)}
    layers = [Layer(*pair) for pair in pairs]
    pre_activations, activations = forward(inputs, layers, hidden_activation=name, output_activation=name)
    np.testing.assert_array_equal(activations[0], inputs)
    np.testing.assert_allclose(activations[1], MLP((4,), name).apply({"params": params}, inputs), rtol=1e-13)
    np.testing.assert_allclose(activations[2], MLP((4, 2), name).apply({"params": params}, inputs), rtol=1e-13)
    for before, after in zip(pre_activations, activations[1:], strict=True):
        np.testing.assert_array_equal(ACTIVATIONS[name](before), after)


@pytest.mark.parametrize("end", ["sigmoid", "softmax"])
def test_a_saturated_output_still_learns_under_the_cross_entropy(end):
    """A unit that is off by all of its range, where σ′ is 0 in floating point, and log y infinite."""
    delta = output_delta(vector(-800, 800), vector(1, 0), output_activation=end, loss="cross_entropy")
    np.testing.assert_array_equal(delta, [-1, 1])


@pytest.mark.parametrize(
    ("end", "loss"), [("softmax", "squared_error"), ("tanh", "cross_entropy"), ("linear", "absolute_error")]
)
def test_an_output_without_a_delta_is_refused_by_name(end, loss):
    with pytest.raises(ValueError, match=f"{loss}.*{end}"):
        output_delta(vector(1, 2), vector(0, 1), output_activation=end, loss=loss)
