"""Molecules out of latents: the likeliest bag of atoms, then the bonds that a search finds among all at once."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from experiments.datasets import Dataset
from experiments.datasets.molecules.structure import kind_of
from experiments.run.settings import Count
from models.layers.atom_bag import atoms_of_bag, likeliest_bag
from models.layers.bond_search import bond_search
from models.molecule_net import MoleculeVAE
from train.task import Params

AT_A_TIME = 100
"""Latents that are decoded at a time."""
Molecule = tuple[Int[Array, " atoms"], Int[Array, "atoms atoms"]]


@dataclass(frozen=True, kw_only=True)
class MoleculeNetwork:
    """Encoder, both steps of the decoder, and what reads properties from a latent."""

    latent: Count = 32
    """dimensions of the latent"""
    width: Count = 48
    """features of a node and of an edge"""
    layers: Count = 3
    """graph convolutions of the encoder, and of the decoder"""

    def build(self, dataset: Dataset) -> MoleculeVAE:
        """The network for molecules of this data set."""
        atoms = dataset.example()["atoms"].shape[-1]
        return MoleculeVAE(len(dataset.symbols), atoms, self.latent, self.width, self.layers)


def decoder(dataset: Dataset, model: MoleculeVAE, beam: int) -> Callable[[Params, Array, Key[Array, ""]], Molecule]:
    """The function ``(params, latent, key) → (atoms, bonds)``.

    First bonds are ``beam`` different pairs at random, or all where there are no more.
    """
    valences = jnp.asarray([0, *(kind_of(symbol).valence for symbol in dataset.symbols)], jnp.int32)
    pairs = jnp.stack(jnp.triu_indices(model.atoms, k=1), axis=1).astype(jnp.int32)

    def decode(params: Params, latent: Float[Array, " latent"], key: Key[Array, ""]) -> Molecule:
        atoms = likely_atoms(model, params, latent)
        logits = model.apply(params, latent, atoms, method="bonds")
        there = (atoms > 0)[pairs].all(axis=1)
        order = jax.random.gumbel(key, (len(pairs),)) + jnp.where(there, 0.0, -1e6)
        starts = pairs[jax.lax.top_k(order, min(beam, len(pairs)))[1]]
        return atoms, bond_search(jax.nn.log_softmax(logits), valences[atoms], starts).bonds

    return decode


def likely_atoms(model: MoleculeVAE, params: Params, latent: Float[Array, " latent"]) -> Int[Array, " atoms"]:
    """The atoms of the likeliest bag, in the order of their kinds."""
    bag = jax.nn.log_softmax(model.apply(params, latent, method="bag"))
    return atoms_of_bag(likeliest_bag(bag, most=model.atoms), most=model.atoms)


def likely_bonds(model: MoleculeVAE, params: Params, latent: Float[Array, " latent"]) -> Molecule:
    """The atoms, and of each bond by itself the likeliest order: what comes out without a search."""
    atoms = likely_atoms(model, params, latent)
    orders = model.apply(params, latent, atoms, method="bonds").argmax(axis=-1).astype(jnp.int32)
    pairs = (atoms[:, None] > 0) & (atoms > 0) & ~jnp.eye(model.atoms, dtype=bool)
    return atoms, jnp.where(pairs, orders, 0)


def decode_all(
    decode: Callable, params: Params, latents: Float[Array, "molecules latent"], key: Key[Array, ""]
) -> tuple[Int[Array, "molecules atoms"], Int[Array, "molecules atoms atoms"]]:
    """What comes of each latent; some at a time, so that memory is bounded."""
    keys = jax.random.split(key, len(latents))
    return jax.lax.map(lambda pair: decode(params, *pair), (latents, keys), batch_size=AT_A_TIME)


def ascended(
    model: MoleculeVAE,
    params: Params,
    latent: Float[Array, " latent"],
    which: Int[Array, ""],
    *,
    steps: int,
    rate: float,
) -> Float[Array, " latent"]:
    """The latent after so many steps along the gradient of property number ``which``, as the network promises it."""
    promised = partial(model.apply, params, method="property")
    slope = jax.grad(lambda latent: promised(latent)[which])
    return jax.lax.fori_loop(0, steps, lambda _, latent: latent + rate * slope(latent), latent)
