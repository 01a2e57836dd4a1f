"""The deep belief net: restricted Boltzmann machines, each the model of what the one below makes of the data.

The top machine is a prior of its visible layer, and the others generate downwards from it. What goes upwards is a
multi-layer perceptron of sigmoids, which is how the net comes to be fine-tuned by backpropagation. Hinton, Osindero &
Teh 2006; Hinton & Salakhutdinov 2006. Lecture 002, "Autoencoders - History".
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from models.rbm import RBM, gibbs_chain, hidden_probabilities, visible_probabilities


def upward(stack: Sequence[RBM], visible: Float[Array, " visible"]) -> Float[Array, " top"]:
    """The mean activations of the top layer, each layer's means being the next one's input; of no layers, ``visible``.

        h ← σ(b + Wᵀ h),   from h = v

    Hinton & Salakhutdinov 2006, figure 1: the encoder.
    """
    for rbm in stack:
        visible = hidden_probabilities(rbm, visible)
    return visible


def downward(stack: Sequence[RBM], top: Float[Array, " top"]) -> Float[Array, " visible"]:
    """The mean activations of the visible layer, from the top down through the same weights.

        h ← σ(a + W h),   from the top machine to the first

    ``downward`` of ``upward`` is the unrolled deep autoencoder before its fine-tuning: Hinton & Salakhutdinov 2006,
    figure 1.
    """
    for rbm in reversed(stack):
        top = visible_probabilities(rbm, top)
    return top


def dream(
    key: Key[Array, ""], stack: Sequence[RBM], start: Float[Array, " below_top"], *, steps: int
) -> Float[Array, " visible"]:
    """An image from the net: ``steps`` Gibbs steps of the top machine from ``start``, then one pass down.

        h ~ p_top(h),   then v ~ p(v | h) layer by layer, the last one not drawn: P(v_i = 1 | h)

    Hinton et al. 2006, section 7. ``ValueError`` for fewer than one step, or a net without layers.
    """
    if not stack:
        raise ValueError("a deep belief net needs at least one machine, got none")
    *lower, top = stack
    chain_key, key = jax.random.split(key)
    probabilities = gibbs_chain(chain_key, top, start, steps=steps)
    for layer, rbm in enumerate(reversed(lower)):
        state = jax.random.bernoulli(jax.random.fold_in(key, layer), probabilities).astype(start.dtype)
        probabilities = visible_probabilities(rbm, state)
    return probabilities


def stack_of(network: dict[str, Any], visible_bias: Float[Array, " visible"]) -> tuple[RBM, ...]:
    """A machine for every hidden layer of an ``MLPClassifier``'s parameters: its kernel, its bias, and a bias below.

    The first machine's visible bias is given, the others' are 0. Hinton et al. 2006, section 4.
    """
    layers = network["params"]["MLP_0"]
    dense = [layers[f"Dense_{number}"] for number in range(len(layers))]
    below = [visible_bias, *(jnp.zeros_like(layer["bias"]) for layer in dense[:-1])]
    return tuple(RBM(layer["kernel"], bias, layer["bias"]) for layer, bias in zip(dense, below, strict=True))


def with_hidden_layers(network: dict[str, Any], stack: Sequence[RBM]) -> dict[str, Any]:
    """An ``MLPClassifier``'s parameters whose hidden layers are the machines': the start of the fine-tuning.

    With sigmoids for activations, what enters the output layer is ``upward(stack, v)``. Hinton et al. 2006; Hinton &
    Salakhutdinov 2006.
    """
    layers = {f"Dense_{i}": {"kernel": rbm.weights, "bias": rbm.hidden_bias} for i, rbm in enumerate(stack)}
    return network | {"params": network["params"] | {"MLP_0": layers}}
