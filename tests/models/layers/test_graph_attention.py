"""Scores of attention against the paper's formula, pair by pair, in float64."""

import jax.numpy as jnp
import numpy as np

from models.layers.graph_attention import graph_attention_scores

RNG = np.random.default_rng(0)
VALUES, OF_SENDER, OF_RECEIVER = RNG.normal(size=(4, 2, 3)), RNG.normal(size=(2, 3)), RNG.normal(size=(2, 3))
SENDERS, RECEIVERS = np.array([0, 1, 3, 3, 2]), np.array([1, 0, 0, 2, 2])


def test_scores_are_those_of_both_ends_one_after_the_other(float64):
    """Veličković et al. 2018, equation 3: LeakyReLU(aᵀ [W h_i ‖ W h_j]), i being the receiver."""
    found = graph_attention_scores(*map(jnp.asarray, (VALUES, OF_SENDER, OF_RECEIVER, SENDERS, RECEIVERS)))
    for edge, (sender, receiver) in enumerate(zip(SENDERS, RECEIVERS, strict=True)):
        for head in range(2):
            both = np.concatenate([VALUES[receiver, head], VALUES[sender, head]])
            score = np.concatenate([OF_RECEIVER[head], OF_SENDER[head]]) @ both
            np.testing.assert_allclose(found[edge, head], score if score > 0 else 0.2 * score, rtol=1e-12)
