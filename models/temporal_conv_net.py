"""The temporal convolutional network: dilated causal convolutions instead of recurrence. Bai et al. 2018."""

from typing import Literal

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float, Int

from models.dropout import Dropout
from models.layers.causal_conv import convolve_causal
from models.layers.initializers import GLOROT_UNIFORM, HE_NORMAL
from models.layers.weight_norm import unit_norms, weight_normalized


class TemporalBlock(nn.Module):
    """Two causal convolutions with rectifiers, around which the input is added:  relu(x + F(x)).

    Where the widths differ the input goes through a matrix. Bai et al. 2018, figure 1b, with its weight normalisation
    or without.
    """

    channels: int
    window: int
    dilation: int
    dropout: float
    weight_normalization: bool
    """learn the length of each kernel's units apart from their direction; they begin as without it"""

    @nn.compact
    def __call__(self, sequences: Float[Array, "batch time features"]) -> Float[Array, "batch time channels"]:
        hidden = sequences
        for number in range(2):
            shape = (self.window, hidden.shape[-1], self.channels)
            kernel = self.param(f"kernel_{number}", HE_NORMAL, shape)
            if self.weight_normalization:
                gain = self.param(f"gain_{number}", lambda _, direction: unit_norms(direction), kernel)
                kernel = weight_normalized(kernel, gain)
            bias = self.param(f"bias_{number}", nn.initializers.zeros, (self.channels,))
            hidden = jax.nn.relu(convolve_causal(hidden, kernel, dilation=self.dilation) + bias)
            hidden = Dropout(self.dropout)(hidden)
        if sequences.shape[-1] != self.channels:
            shape = (sequences.shape[-1], self.channels)
            sequences = sequences @ self.param("beside", nn.initializers.lecun_normal(), shape)
        return jax.nn.relu(sequences + hidden)


class TemporalConvNet(nn.Module):
    """Blocks whose dilation doubles, and a linear map of the last place or of each.

        dilations 1, 2, 4 … 2^(blocks − 1);   places seen: 1 + 2 (window − 1)(2^blocks − 1)

    Inputs are numbers [batch, places, features], or with ``symbols`` the numbers of symbols [batch, places].
    """

    outputs: int
    channels: int = 24
    blocks: int = 4
    window: int = 8
    read: Literal["last", "every"] = "last"
    symbols: int = 0
    dropout: float = 0.0
    weight_normalization: bool = False

    @property
    def seen(self) -> int:
        """Places that the last one sees, itself included."""
        return 1 + 2 * (self.window - 1) * (2**self.blocks - 1)

    @nn.compact
    def __call__(
        self, inputs: Float[Array, "batch places features"] | Int[Array, "batch places"]
    ) -> dict[str, Float[Array, "..."]]:
        """``outputs``, and ``hidden`` [batch, places, channels] of the last block."""
        hidden = jax.nn.one_hot(inputs, self.symbols) if self.symbols else inputs
        for number in range(self.blocks):
            hidden = TemporalBlock(self.channels, self.window, 2**number, self.dropout, self.weight_normalization)(
                hidden
            )
        kernel = self.param("readout", GLOROT_UNIFORM, (self.channels, self.outputs))
        bias = self.param("readout_bias", nn.initializers.zeros, (self.outputs,))
        read = hidden if self.read == "every" else hidden[:, -1]
        return {"outputs": jnp.einsum("...c,co->...o", read, kernel) + bias, "hidden": hidden}
