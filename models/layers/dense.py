"""The fully connected layer."""

from jaxtyping import Array, Float


def dense(
    inputs: Float[Array, "inputs"], kernel: Float[Array, "inputs outputs"], bias: Float[Array, "outputs"]
) -> Float[Array, "outputs"]:
    """Every output is a weighted sum of all inputs, and a bias.

        z_j = Σ_i x_i W_ij + b_j

    Column j of the kernel holds the weights of output j, as in Flax. ``dense(x, W, b)`` of x = (1, 2) with W the
    identity and b = (10, 20) is (11, 22). Lecture 003, section 2.2: z = Wᵀ a + b. Lecture 000, "Fully-connected layer".
    """
    return inputs @ kernel + bias
