"""Two vectors for each word: one where it is asked about, one where it stands beside another.

Mikolov et al. 2013, "Distributed representations of words and phrases and their compositionality".
"""

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float, Int


class WordVectors(nn.Module):
    """Word and neighbours → how well each goes with the word:  s_j = v_w · u_{c_j}.

    v begins uniform within ±1 / (2 size), u at 0, as in the code of the authors.
    """

    vocabulary: int
    size: int

    @nn.compact
    def __call__(
        self, words: Int[Array, "*batch"], neighbours: Int[Array, "*batch candidates"]
    ) -> Float[Array, "*batch candidates"]:
        def uniform(key, shape):
            return jax.random.uniform(key, shape, jnp.float32, -0.5 / self.size, 0.5 / self.size)

        shape = (self.vocabulary, self.size)
        words_table = self.param("words", uniform, shape)
        neighbours_table = self.param("neighbours", nn.initializers.zeros, shape, jnp.float32)
        return jnp.einsum("...d,...cd->...c", words_table[words], neighbours_table[neighbours])
