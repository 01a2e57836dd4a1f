"""The loss of a variational autoencoder of molecules: its bag of atoms, its bonds, and what it promises of them."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from experiments.objectives.observation import drawing
from losses.divergences import gaussian_kl
from models.layers.atom_bag import bag_of_atoms
from models.vae import sample_gaussian
from train.task import Draw, LossFn


def molecule_loss(
    apply: Callable,
    *,
    kinds: int,
    beta: float,
    property_weight: float,
    scale: tuple[Float[Array, " properties"], Float[Array, " properties"]],
) -> LossFn:
    """The loss ``(params, batch, keys) → (losses, parts)`` of ``MoleculeVAE``, one value per example, in nats.

        −Σ_k log p(n_k | z) − Σ_{i<j} log p(b_ij | z, atoms) + β KL(q(z | x) ‖ N(0, I)) + w Σ_p (y_p − ŷ_p(z))² / 2,

    z ~ q(z | x): a count of each kind of atom, the order of each bond of the true atoms, and the properties y in units
    of ``scale``, their means and deviations. Bresson & Laurent 2019. "wrong" is the share of molecules, in percent, of
    which a count or a bond is not the likeliest one.
    """

    def loss_fn(params, batch, keys):
        network = partial(apply, keys, params)
        atoms, bonds = batch["atoms"], batch["bonds"]
        posterior = network(atoms, bonds, method="encode")
        latent = jax.vmap(sample_gaussian)(drawing(keys, Draw.SAMPLE), posterior)
        bag, orders = network(latent, method="bag"), network(latent, atoms, method="bonds")
        counts = jax.vmap(partial(bag_of_atoms, kinds=kinds))(atoms)
        pairs = jnp.triu((atoms[:, :, None] > 0) & (atoms[:, None, :] > 0), k=1)
        of_bonds = optax.softmax_cross_entropy_with_integer_labels(orders, bonds)
        parts = {
            "bag": jnp.sum(optax.softmax_cross_entropy_with_integer_labels(bag, counts), axis=-1),
            "bonds": jnp.sum(jnp.where(pairs, of_bonds, 0.0), axis=(-2, -1)),
            "kl": jax.vmap(gaussian_kl)(*posterior),
        }
        mean, deviation = scale
        error = network(latent, method="property") - (batch["property"] - mean) / deviation
        wrong = jnp.any(bag.argmax(-1) != counts, axis=-1)
        wrong |= jnp.any(pairs & (orders.argmax(-1) != bonds), axis=(-2, -1))
        losses = parts["bag"] + parts["bonds"] + beta * parts["kl"] + property_weight * 0.5 * jnp.sum(error**2, axis=-1)
        return losses, parts | {"wrong": 100.0 * wrong.astype(losses.dtype)}

    return loss_fn
