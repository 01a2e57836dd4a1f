"""The perceptron: one unit that fires beyond a hyperplane, the rule by which it learns, and what two layers add.

Rosenblatt 1958; Minsky & Papert 1969. Lecture 003, section 1.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def threshold_unit(
    inputs: Float[Array, " features"], weights: Float[Array, " features"], bias: Float[Array, ""]
) -> Float[Array, ""]:
    """The unit's output: 1 on its hyperplane and on the side that the weights point to, 0 on the other side.

        y = 1 if Σ_i w_i x_i + b ≥ 0, otherwise 0

    A step: its derivative is 0 wherever there is one, so gradient descent cannot train it, and ``perceptron_update``
    does. Rosenblatt 1958; Lecture 003, section 1.1.
    """
    return jnp.heaviside(weights @ inputs + bias, 1.0)


def perceptron_update(
    weights: Float[Array, " features"],
    bias: Float[Array, ""],
    inputs: Float[Array, " features"],
    target: Float[Array, ""],
    *,
    learning_rate: float = 1.0,
) -> tuple[Float[Array, " features"], Float[Array, ""]]:
    """Weights and bias after the unit has seen one example, whose ``target`` is 0 or 1.

        w ← w + η (t − y) x,   b ← b + η (t − y),   y = the unit's output

    Nothing moves where the output is right. If some unit separates the examples, the rule finds one after at most
    R²/γ² moves from zero: with x̃ = (x, 1), R is the largest ‖x̃‖ and γ the largest margin
    max min_i (2tᵢ − 1) u·x̃ᵢ of all unit vectors u (Novikoff 1962). If none does, as for XOR, it never comes to rest
    (Minsky & Papert 1969). From zero, the rate η > 0 only scales weights and bias. Rosenblatt 1958.
    """
    error = target - threshold_unit(inputs, weights, bias)
    return weights + learning_rate * error * inputs, bias + learning_rate * error


def xor_network(inputs: Float[Array, "2"]) -> Float[Array, ""]:
    """Exclusive or of two bits, 0 or 1, which no single unit computes, by two layers of threshold units.

        h₁ = θ(x₁ + x₂ − ½)      at least one
        h₂ = θ(3/2 − x₁ − x₂)    not both
        y  = θ(h₁ + h₂ − 3/2)    and;   θ(z) = 1 if z ≥ 0, otherwise 0

    Minsky & Papert 1969 for the single unit; Rumelhart, Hinton & Williams 1986 for two layers. Lecture 003, sections
    1.1 and 1.2.
    """
    hidden_weights = jnp.array([[1, 1], [-1, -1]], inputs.dtype)
    hidden_biases = jnp.array([-0.5, 1.5], inputs.dtype)
    hidden = jax.vmap(threshold_unit, (None, 0, 0))(inputs, hidden_weights, hidden_biases)
    return threshold_unit(hidden, jnp.array([1, 1], inputs.dtype), jnp.array(-1.5, inputs.dtype))
