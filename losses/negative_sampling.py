"""Word vectors learn to tell the words that stand beside a word from words that were drawn."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def negative_sampling_loss(score: Float[Array, ""], negative_scores: Float[Array, " negatives"]) -> Float[Array, ""]:
    """The cross-entropy of a true neighbour's score and those of ``negatives`` drawn words, in nats.

        −log σ(s) − Σ_k log σ(−s_k),   s = v_w · u_c

    Where words are drawn from p(c), its expectation is least at s = log p(w, c) / (p(w) p(c)) − log K, the pointwise
    mutual information less a constant (Levy & Goldberg 2014, section 3.1). Mikolov et al. 2013, equation 4.
    """
    return -jax.nn.log_sigmoid(score) - jnp.sum(jax.nn.log_sigmoid(-negative_scores))
