"""Gates and activations of the conditioners of flows and of autoregressive nets.

Salimans et al. 2017 (PixelCNN++); Ho et al. 2019 (Flow++).
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def concatenated_elu(features: Float[Array, "*space channels"]) -> Float[Array, "*space twice"]:
    """The exponential linear unit of the features and of their negatives, side by side.

        [elu(x), elu(−x)],   elu(x) = x where x > 0, else eˣ − 1

    Shang et al. 2016, with ReLU; Salimans et al. 2017, section 2.6.
    """
    return jnp.concatenate([jax.nn.elu(features), jax.nn.elu(-features)], axis=-1)


def gated_residual(
    inputs: Float[Array, "*space channels"], outputs: Float[Array, "*space twice"]
) -> Float[Array, "*space channels"]:
    """The first half of what a layer puts out, weighed by the logistic function of the second, beside its input.

        y = x + a σ(b),   [a, b] = F(x)

    ``ValueError`` where the outputs are not twice as many. Salimans et al. 2017; Ho et al. 2019, section 3.2.2.
    """
    if outputs.shape != (*inputs.shape[:-1], 2 * inputs.shape[-1]):
        raise ValueError(f"inputs {inputs.shape} need outputs of twice as many channels, got {outputs.shape}")
    value, gate = jnp.split(outputs, 2, axis=-1)
    return inputs + value * jax.nn.sigmoid(gate)
