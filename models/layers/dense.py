"""The fully connected layer."""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float


def dense(
    inputs: Float[Array, " inputs"], kernel: Float[Array, "inputs outputs"], bias: Float[Array, " outputs"]
) -> Float[Array, " outputs"]:
    """Every output is a weighted sum of all inputs, and a bias.

        z_j = Σ_i x_i W_ij + b_j

    Column j of the kernel holds the weights of output j, as in Flax. ``dense(x, W, b)`` of x = (1, 2) with W the
    identity and b = (10, 20) is (11, 22). Lecture 003, section 2.2: z = Wᵀ a + b. Lecture 000, "Fully-connected layer".
    """
    return inputs @ kernel + bias


def flat_product(
    inputs: Float[Array, "*leading inputs"],
    kernel: Float[Array, "inputs outputs"],
    dimension_numbers: Any = None,
    precision: Any = None,
    **_: Any,
) -> Float[Array, "*leading outputs"]:
    """The product of a dense layer at every place of a sequence, as one of two matrices: ``nn.Dense(dot_general=…)``.

        y[n, t] = xᵀ[n, t] W,  computed as  Y = X W  with one row for each (n, t)

    XLA on a CPU multiplies two matrices by its library, and anything of more axes by slower code, in the gradients too.
    The contraction must be over the last axis, as in ``nn.Dense``; ``ValueError`` otherwise. Lecture 003, section 2.2.
    """
    last = ((inputs.ndim - 1,), (0,)), ((), ())
    if dimension_numbers not in (None, last):
        raise ValueError(f"expected a product over the last axis, {last}, got {dimension_numbers}")
    rows = jnp.matmul(inputs.reshape(-1, inputs.shape[-1]), kernel, precision=precision)
    return rows.reshape(*inputs.shape[:-1], -1)
