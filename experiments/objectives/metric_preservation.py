"""A variational autoencoder of shapes, with or without LIMP's priors of metric preservation."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Ge
from jaxtyping import Array, Float, Int, Key

from experiments.datasets import Dataset
from losses.divergences import gaussian_kl
from losses.metric_preservation import distance_error, interpolated
from models.layers.geodesics import heat_geodesics
from models.layers.mesh import pairwise_distances
from models.mesh_vae import MeshVAE
from models.vae import sample_gaussian
from train.task import Batch, Draw, LossFn, Params

Weight = Annotated[float, Ge(0)]
Meshes = Float[Array, "*batch vertices 3"]
ROLES = ("vertices", "posed", "other")
"""Of an example: style a in pose p, style a in pose q, style b in pose q."""
AT_A_TIME = 32
"""Meshes of which the heat method's matrices are in memory together."""


@dataclass(frozen=True, kw_only=True)
class MetricPriors:
    """What LIMP asks of decoded shapes beyond a variational autoencoder: squared errors of distances in parts of their
    targets, and an error of the shapes themselves.
    """

    interpolation_euclidean: Weight = 1.0
    """weight: between two latents, straight distances lie between those of the two shapes"""
    interpolation_geodesic: Weight = 4.0
    """weight: the same of distances along the surface"""
    intrinsic: Weight = 4.0
    """weight: where the pose alone moves, distances along the surface stay"""
    extrinsic: Weight = 10.0
    """weight: between the styles of one body in two poses, straight distances stay"""
    exchange: Weight = 1.0
    """weight: and there the shape is that of the second pose, vertex by vertex, which tells it from its mirror image;
    in parts of the data's variance; ours, not the paper's"""


class Anatomy(NamedTuple):
    """What all meshes share, as arrays, and how many entries of the latent are the style."""

    faces: Int[Array, "faces 3"]
    landmarks: Int[Array, " landmarks"]
    mean: Float[Array, "vertices 3"]
    scale: Float[Array, ""]
    style: int

    def deviations(self, meshes: Meshes) -> Meshes:
        """What the network sees."""
        return (meshes - self.mean) / self.scale

    def meshes(self, deviations: Meshes) -> Meshes:
        """Vertices in their own unit."""
        return self.mean + self.scale * deviations

    def joined(self, style: Float[Array, "*batch latent"], pose: Float[Array, "*batch latent"]) -> Array:
        """The style of one latent with the pose of another."""
        return jnp.concatenate([style[..., : self.style], pose[..., self.style :]], axis=-1)

    def geodesics(self, mesh: Float[Array, "vertices 3"]) -> Float[Array, "landmarks vertices"]:
        """From the landmarks, by the heat method: training descends on it, and no result is measured by it."""
        return heat_geodesics(mesh, self.faces, self.landmarks)


def encoded(network: MeshVAE, anatomy: Anatomy, params: Params, meshes: Meshes) -> Float[Array, "*batch latent"]:
    """The means of their posteriors."""
    return network.apply(params, anatomy.deviations(meshes), method="encode").mean


def decoded(network: MeshVAE, anatomy: Anatomy, params: Params, latents: Float[Array, "*batch latent"]) -> Meshes:
    """The meshes of latents."""
    return anatomy.meshes(network.apply(params, latents, method="decode"))


def shape_loss(network: MeshVAE, anatomy: Anatomy, *, beta: float, priors: MetricPriors | None) -> LossFn:
    """The loss ``(params, batch, keys) → (losses, {error, kl, …})`` of a batch's three meshes an example.

    Squared error, in parts of the data's variance, plus β times the KL in nats, and with priors those of LIMP (Cosmo et
    al. 2020), at a place t between two shapes that is uniform in [0, 1]. These take "geodesics" of the batch, as
    ``with_geodesics`` gives them.
    """

    def loss_fn(params: Params, batch: Batch, keys: Key[Array, " batch"]) -> tuple[Array, dict[str, Array]]:
        meshes = jnp.stack([batch[role] for role in ROLES], axis=1)
        seen = anatomy.deviations(meshes)
        posterior = network.apply(params, seen, method="encode")
        draws = jax.vmap(lambda key: jax.random.fold_in(key, Draw.SAMPLE))(keys)
        latents = jax.vmap(sample_gaussian)(draws, posterior)
        error = jnp.mean((network.apply(params, latents, method="decode") - seen) ** 2, axis=(1, 2, 3))
        kl = jnp.mean(jax.vmap(jax.vmap(gaussian_kl))(*posterior), axis=1)
        losses, metrics = error + beta * kl, {"squared_error": error, "kl": kl}
        if priors is not None:
            places = jax.vmap(lambda key: jax.random.uniform(jax.random.fold_in(key, Draw.OBSERVE)))(keys)
            moved = moving(network, anatomy, params, latents, places)
            known = batch["geodesics"]
            penalty, metrics["metric"] = jax.vmap(penalties(anatomy, priors))(moved, meshes, known, places)
            losses = losses + penalty
        return losses, metrics

    return loss_fn


def moving(network: MeshVAE, anatomy: Anatomy, params: Params, latents: Array, places: Float[Array, " batch"]) -> Array:
    """Meshes [batch, 3, V, 3] on the way: all of the latent moves, the pose alone, or the style of one body alone."""
    first, posed, other = jnp.moveaxis(latents, 1, 0)
    between = jax.vmap(interpolated)
    ways = (
        between(first, other, places),
        anatomy.joined(first, between(first, other, places)),
        anatomy.joined(between(first, posed, places), posed),
    )
    return decoded(network, anatomy, params, jnp.stack(ways, axis=1))


def penalties(anatomy: Anatomy, priors: MetricPriors) -> Callable[..., tuple[Array, Array]]:
    """Of one example the weighted sum of the priors, and how far geodesics are from those between the two shapes.

    ``(moved [3, V, 3], meshes [3, V, 3], geodesics [2, L, V], t) → (sum, error)``
    """
    of_many = jax.vmap(distance_error)
    euclidean = jnp.array([priors.interpolation_euclidean, priors.extrinsic], jnp.float32)
    surface = jnp.array([priors.interpolation_geodesic, priors.intrinsic], jnp.float32)

    def of_example(moved: Array, meshes: Array, geodesics: Array, t: Array) -> tuple[Array, Array]:
        first, posed, other = jax.vmap(pairwise_distances)(meshes)
        lengths = jax.vmap(pairwise_distances)(moved[::2])
        straight = of_many(lengths, jnp.stack([interpolated(first, other, t), posed]))
        wanted = jnp.stack([interpolated(geodesics[0], geodesics[1], t), geodesics[0]])
        along = of_many(jax.vmap(anatomy.geodesics)(moved[:2]), wanted)
        exchanged = jnp.mean((anatomy.deviations(moved[2]) - anatomy.deviations(meshes[1])) ** 2)
        return straight @ euclidean + along @ surface + jnp.float32(priors.exchange) * exchanged, along[0]

    return of_example


def with_geodesics(dataset: Dataset) -> Dataset:
    """The data set whose training examples also hold "geodesics" [2, L, V], those of "vertices" and of "other".

    By the heat method, as those of decoded shapes are, so that its error is in both. They follow from the meshes, and
    the fingerprint stays that of the meshes.
    """
    train, context = dataset.whole("train"), dataset.context
    both = np.concatenate([train["vertices"], train["other"]])

    @jax.jit
    def tables(meshes: Array, faces: Array, landmarks: Array) -> Array:
        return jax.lax.map(lambda mesh: heat_geodesics(mesh, faces, landmarks), meshes, batch_size=AT_A_TIME)

    first, last = np.split(np.asarray(tables(both, context["faces"], context["landmarks"])), 2)
    held = train | {"geodesics": np.stack([first, last], axis=1)}
    return dataset._replace(splits=dataset.splits | {"train": held})
