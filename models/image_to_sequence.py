"""From one image to many symbols: a recurrent network that begins in a state which the image decides.

Lecture 000, "Recurrent neural networks", one to many; Vinyals et al. 2015, "Show and tell".
"""

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float, Int, PyTree

from models.layers.recurrence import State
from models.recurrent_net import KINDS, RecurrentNet

END = 0
"""The symbol that ends a sequence, and stands before its first."""


class ImageToSequence(nn.Module):
    """Image → state → one symbol after another, each read before the next.

        s_0 = tanh(W_2 relu(W_1 x + b_1) + b_2),   logits_t, s_t = net(y_{t−1}, s_{t−1}),   y_0 = END

    The state is that of every layer.
    """

    symbols: int
    cell: str = "gru"
    units: int = 64
    layers: int = 1
    dropout: float = 0.0

    def setup(self):
        self.features = nn.Dense(self.units)
        self.states = nn.Dense(self.layers * KINDS[self.cell].states * self.units)
        self.net = RecurrentNet(
            self.symbols, self.cell, self.units, self.layers, read="every", symbols=self.symbols, dropout=self.dropout
        )

    def __call__(
        self, images: Float[Array, "batch height width channels"], said: Int[Array, "batch places"]
    ) -> Float[Array, "batch places symbols"]:
        """Logits of each symbol, given the image and the symbols that are ``said`` before it."""
        before = jnp.concatenate([jnp.full_like(said[:, :1], END), said[:, :-1]], axis=1)
        return self.go_on(before, self.begin(images))[0]

    def begin(self, images: Float[Array, "batch height width channels"]) -> State:
        """The state before the first symbol."""
        features = jax.nn.relu(self.features(images.reshape(len(images), -1)))
        of_each = jnp.tanh(self.states(features)).reshape(len(images), self.layers, -1, self.units)
        return tuple(tuple(layer) for layer in jnp.moveaxis(of_each, 0, 2))

    def go_on(
        self, read: Int[Array, "batch places"], state: State
    ) -> tuple[Float[Array, "batch places symbols"], State]:
        """Logits after each symbol that is read, and the state after the last."""
        seen = self.net(read, state=state)
        return seen["outputs"], seen["state"]


def say(
    model: ImageToSequence, params: PyTree, images: Float[Array, "batch height width channels"], *, count: int
) -> Int[Array, "batch count"]:
    """The likeliest symbol at each place, given those said before it. Vinyals et al. 2015, with a beam of 1."""

    def step(carried, _):
        said, state = carried
        logits, state = model.apply(params, said[:, None], state, method="go_on")
        said = logits[:, 0].argmax(axis=-1).astype(jnp.int32)
        return (said, state), said

    begun = jnp.full(len(images), END, jnp.int32), model.apply(params, images, method="begin")
    return jax.lax.scan(step, begun, length=count)[1].T
