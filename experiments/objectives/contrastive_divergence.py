"""Contrastive divergence over a batch: Gibbs chains side by side, and the reconstruction error that shows progress."""

import jax
from jaxtyping import Array, Float, Key

from experiments.datasets import Dataset
from losses.likelihoods import bernoulli_log_likelihood
from models.rbm import RBM, gibbs_chain, hidden_probabilities

AVERAGED = 10_000
"""Training images, at most, that the means of pixels are taken over."""


def pixel_means(dataset: Dataset) -> Float[Array, " visible"]:
    """Mean intensities of the training images, from which a machine's visible biases start."""
    return jax.device_put(dataset.head("train", AVERAGED)["image"]).mean(axis=0).ravel()


def gibbs_chains(
    keys: Key[Array, " chains"], rbm: RBM, starts: Float[Array, "chains visible"], *, steps: int
) -> Float[Array, "chains visible"]:
    """Where ``steps`` Gibbs steps lead from each row of ``starts``, each chain drawing from its own key."""
    return jax.vmap(lambda key, start: gibbs_chain(key, rbm, start, steps=steps))(keys, starts)


def reconstruction_error(rbm: RBM, visible: Float[Array, " visible"]) -> Float[Array, ""]:
    """Cross-entropy of an image and what the means of its hidden units expect, in nats.

        −log p(v | ĥ),   ĥ_j = P(h_j = 1 | v)

    It is easy to look at and is not what is minimised. Hinton 2010, section 5.1.
    """
    return -bernoulli_log_likelihood(visible, rbm.visible_bias + rbm.weights @ hidden_probabilities(rbm, visible))
