"""A variational autoencoder of molecules: a graph goes in, a bag of atoms comes out, and then their bonds at once.

Bresson & Laurent 2019. Layers are normalised by the features of each node or edge, where theirs are by batches.
"""

from functools import partial

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Bool, Float, Int

from models.layers.atom_bag import place_among_equals
from models.layers.dense import flat_product
from models.layers.gated_graph import gated_neighbour_mean
from models.mlp import MLP
from models.vae import Gaussian, GaussianHead

ORDERS = 4
"""No bond, a single, a double, a triple one."""
_dense = partial(nn.Dense, dot_general=flat_product)


def _normalize(features: Float[Array, "*shape width"]) -> Float[Array, "*shape width"]:
    return nn.LayerNorm(use_fast_variance=False)(features)


class GatedGraphConvolution(nn.Module):
    """Nodes hear from their neighbours through gates, and edges from their two nodes.

        h_i ← h_i + relu(norm(U h_i + Σ_j η_ij ⊙ V h_j)),   e_ij ← e_ij + relu(norm(A e_ij + B h_i + C h_j))

    η are the gates of ``gated_neighbour_mean``. Bresson & Laurent 2017 and 2019.
    """

    width: int

    @nn.compact
    def __call__(
        self,
        nodes: Float[Array, "*batch atoms width"],
        edges: Float[Array, "*batch atoms atoms width"],
        joined: Bool[Array, "*batch atoms atoms"],
    ) -> tuple[Float[Array, "*batch atoms width"], Float[Array, "*batch atoms atoms width"]]:
        own, sent, of_receiver, of_sender = jnp.split(_dense(4 * self.width)(nodes), 4, axis=-1)
        passing = jnp.vectorize(gated_neighbour_mean, signature="(n,d),(n,n,d),(n,n)->(n,d)")
        heard = own + passing(sent, edges, joined)
        seen = _dense(self.width)(edges) + of_receiver[..., :, None, :] + of_sender[..., None, :, :]
        return nodes + nn.relu(_normalize(heard)), edges + nn.relu(_normalize(seen))


class MoleculeVAE(nn.Module):
    """Molecules to Gaussians; latents to bags of atoms, bonds of given atoms, and two properties.

    Of equal atoms encoder and decoder are told which is which, by their place among them. What the decoder begins with
    at an atom or a pair is a product of who they are and of the latent, so that each asks the latent for its own part;
    a sum, as published, learnt several times more slowly here.
    """

    kinds: int
    atoms: int
    latent: int = 32
    width: int = 48
    layers: int = 3
    properties: int = 2

    def setup(self) -> None:
        self.bond_embedding = nn.Embed(ORDERS, self.width)
        self.encoded_atoms, self.decoded_atoms = (_Identities(self.kinds, self.atoms, self.width) for _ in range(2))
        self.encoder = [GatedGraphConvolution(self.width) for _ in range(self.layers)]
        self.gates = _dense(2 * self.width), _dense(2 * self.width)
        self.head = GaussianHead(self.latent)
        self.bag_net = nn.Sequential([MLP((2 * self.width,)), _dense(self.kinds * (self.atoms + 1))])
        self.atom_query, self.pair_key = _dense(self.width), _dense(self.width)
        self.pair_query = _dense(self.width)
        self.to_atoms, self.to_pairs = _dense(self.width), _dense(self.width)
        self.decoder = [GatedGraphConvolution(self.width) for _ in range(self.layers)]
        self.bond_net = nn.Sequential([MLP((self.width,)), _dense(ORDERS)])
        self.property_net = nn.Sequential([MLP((2 * self.width,)), _dense(self.properties)])

    def encode(self, atoms: Int[Array, "*batch atoms"], bonds: Int[Array, "*batch atoms atoms"]) -> Gaussian:
        """The posterior, from sums of gated atoms and of gated bonds.

        Its log-variance is less by 4 than the head says, so that draws lie close to the mean at first.
        """
        nodes, edges, joined = self.encoded_atoms(atoms), self.bond_embedding(bonds), bonds > 0
        for layer in self.encoder:
            nodes, edges = layer(nodes, edges, joined)
        of_nodes, of_edges = (gate(each) for gate, each in zip(self.gates, (nodes, edges), strict=True))
        of_atoms = jnp.sum(jnp.where((atoms > 0)[..., None], _gated(of_nodes), 0.0), axis=-2)
        of_bonds = jnp.sum(jnp.where(joined[..., None], _gated(of_edges), 0.0), axis=(-3, -2))
        mean, log_variance = self.head(jnp.concatenate([of_atoms, of_bonds], axis=-1))
        return Gaussian(mean, log_variance - 4)

    def bag(self, latent: Float[Array, "*batch latent"]) -> Float[Array, "*batch kinds counts"]:
        """Step one: for each kind of atom the logits of how many there are, from none to all."""
        return self.bag_net(latent).reshape(*latent.shape[:-1], self.kinds, self.atoms + 1)

    def bonds(
        self, latent: Float[Array, "*batch latent"], atoms: Int[Array, "*batch atoms"]
    ) -> Float[Array, "*batch atoms atoms orders"]:
        """Step two: for each pair of these atoms the logits of its bond's order, the same both ways."""
        identities, present = self.decoded_atoms(atoms), atoms > 0
        joined = present[..., :, None] & present[..., None, :] & ~jnp.eye(atoms.shape[-1], dtype=bool)
        key = self.pair_key(identities)
        query = self.pair_query(nn.relu(key[..., :, None, :] + key[..., None, :, :]))
        nodes = identities + self.atom_query(identities) * self.to_atoms(latent)[..., None, :]
        edges = query * self.to_pairs(latent)[..., None, None, :]
        for layer in self.decoder:
            nodes, edges = layer(nodes, edges, joined)
        both = edges + jnp.swapaxes(edges, -3, -2)
        return self.bond_net(both.reshape(-1, self.width)).reshape(*both.shape[:-1], ORDERS)

    def property(self, latent: Float[Array, "*batch latent"]) -> Float[Array, "*batch properties"]:
        """The properties that a latent promises, in standard deviations from their means."""
        return self.property_net(latent)

    def __call__(self, atoms: Int[Array, "*batch atoms"], bonds: Int[Array, "*batch atoms atoms"]) -> dict[str, Array]:
        """Everything of the posterior's mean, atoms told."""
        mean = self.encode(atoms, bonds).mean
        return {"bag": self.bag(mean), "bonds": self.bonds(mean, atoms), "property": self.property(mean)}


class _Identities(nn.Module):
    """Who an atom is: its kind, and its place among those of its kind."""

    kinds: int
    atoms: int
    width: int

    @nn.compact
    def __call__(self, atoms: Int[Array, "*batch atoms"]) -> Float[Array, "*batch atoms width"]:
        places = jnp.vectorize(place_among_equals, signature="(n)->(n)")(atoms)
        of_kind = nn.Embed(self.kinds + 1, self.width, name="kind")(atoms)
        return of_kind + nn.Embed(self.atoms, self.width, name="place")(places)


def _gated(features: Float[Array, "*shape twice"]) -> Float[Array, "*shape width"]:
    value, gate = jnp.split(features, 2, axis=-1)
    return value * jax.nn.sigmoid(gate)
