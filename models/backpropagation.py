"""Backpropagation of a multi-layer perceptron, written out: one pass forward, one pass back, no autodiff.

    forward     a_0 = x        z_l = W_lᵀ a_{l−1} + b_l        a_l = σ_l(z_l)
    backward    δ_K = ∂L/∂z_K  = ∇L(a_K) ⊙ σ_K′(z_K)
                δ_l = ∂L/∂z_l  = W_{l+1} δ_{l+1} ⊙ σ_l′(z_l)
    gradients   ∂L/∂W_l = a_{l−1} δ_lᵀ                         ∂L/∂b_l = δ_l

for layers l = 1 … K; ⊙ multiplies entry by entry. Lecture 003, section 2.2; Rumelhart, Hinton & Williams 1986.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from models.layers.dense import dense
from models.mlp import ACTIVATIONS

# σ by name; softmax, whose outputs depend on each other, only at the end of a network.
FUNCTIONS: dict[str, Callable[[Array], Array]] = ACTIVATIONS | {"linear": lambda z: z, "softmax": jax.nn.softmax}

# σ′ by name, at the pre-activation z; the corner of relu counts as flat.
DERIVATIVES: dict[str, Callable[[Array], Array]] = {
    "linear": lambda z: jnp.ones_like(z),
    "relu": lambda z: jnp.where(z > 0, jnp.ones_like(z), 0),
    "tanh": lambda z: 1 - jnp.tanh(z) ** 2,
    "sigmoid": lambda z: jax.nn.sigmoid(z) * (1 - jax.nn.sigmoid(z)),
}


class Layer(NamedTuple):
    """What a layer has learned, or the gradient of it."""

    kernel: Float[Array, "inputs outputs"]
    bias: Float[Array, " outputs"]


class ForwardPass(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    pre_activations: list[Float[Array, " _"]]  # z_1 … z_K
    activations: list[Float[Array, " _"]]  # a_0 … a_K: the inputs first, the network's outputs last


def forward(
    inputs: Float[Array, " inputs"],
    layers: Sequence[Layer],
    *,
    hidden_activation: str = "sigmoid",
    output_activation: str = "linear",
) -> ForwardPass:
    """Compute the network, keeping everything on the way.

        a_0 = x,   z_l = W_lᵀ a_{l−1} + b_l,   a_l = σ_l(z_l)

    Lecture 003, section 2.2.
    """
    names = [hidden_activation] * (len(layers) - 1) + [output_activation]
    pre_activations, activations = [], [inputs]
    for layer, name in zip(layers, names, strict=True):
        pre_activations.append(dense(activations[-1], layer.kernel, layer.bias))
        activations.append(FUNCTIONS[name](pre_activations[-1]))
    return ForwardPass(pre_activations, activations)


def output_delta(
    pre_activation: Float[Array, " outputs"],
    target: Float[Array, " outputs"],
    *,
    output_activation: str = "linear",
    loss: str = "squared_error",
) -> Float[Array, " outputs"]:
    """δ_K = ∂L/∂z_K, where the recursion starts; y = σ_K(z_K) is the output and t the target.

        squared_error    L = Σ_i (y_i − t_i)²                                δ_K = 2 (y − t) ⊙ σ_K′(z_K)
        cross_entropy    L = −Σ_i t_i log y_i,   softmax, Σ_i t_i = 1        δ_K = y − t
                         L = −Σ_i t_i log y_i + (1 − t_i) log(1 − y_i),   sigmoid        δ_K = y − t

    Under the cross-entropies (in nats) the two factors of ∇L(a_K) ⊙ σ_K′(z_K) cancel to one difference, which a
    saturated output cannot make vanish. Any other pair of loss and activation raises ``ValueError``.
    Lecture 001, "Loss functions"; Lecture 003, section 2.2.
    """
    output = FUNCTIONS[output_activation](pre_activation)
    if loss == "squared_error" and output_activation in DERIVATIVES:
        return 2 * (output - target) * DERIVATIVES[output_activation](pre_activation)
    if loss == "cross_entropy" and output_activation in ("softmax", "sigmoid"):
        return output - target
    raise ValueError(f"no delta is known for {loss=} with {output_activation=}")


def deltas(
    layers: Sequence[Layer],
    pre_activations: Sequence[Float[Array, " _"]],
    last: Float[Array, " outputs"],
    *,
    hidden_activation: str = "sigmoid",
) -> list[Float[Array, " _"]]:
    """δ_1 … δ_K, computed from the last, which is given, to the first.

        δ_l = W_{l+1} δ_{l+1} ⊙ σ′(z_l)

    Lecture 003, section 2.2.
    """
    found = [last]
    for layer, pre_activation in zip(reversed(layers[1:]), reversed(pre_activations[:-1]), strict=True):
        found.append(layer.kernel @ found[-1] * DERIVATIVES[hidden_activation](pre_activation))
    return found[::-1]


def backpropagate(
    inputs: Float[Array, " inputs"],
    target: Float[Array, " outputs"],
    layers: Sequence[Layer],
    *,
    hidden_activation: str = "sigmoid",
    output_activation: str = "linear",
    loss: str = "squared_error",
) -> list[Layer]:
    """The gradient of the loss of one example in every weight and bias, layer by layer.

        ∂L/∂W_l = a_{l−1} δ_lᵀ,   ∂L/∂b_l = δ_l

    The names of activations and losses, and the errors, are those of ``forward`` and ``output_delta``.
    Lecture 003, section 2.2; Rumelhart, Hinton & Williams 1986.
    """
    pre_activations, activations = forward(
        inputs, layers, hidden_activation=hidden_activation, output_activation=output_activation
    )
    last = output_delta(pre_activations[-1], target, output_activation=output_activation, loss=loss)
    every_delta = deltas(layers, pre_activations, last, hidden_activation=hidden_activation)
    return [Layer(jnp.outer(a, delta), delta) for a, delta in zip(activations[:-1], every_delta, strict=True)]
