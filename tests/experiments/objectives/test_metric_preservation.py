"""Priors are sums written out over pairs of vertices; LIMP's loss is the plain one's and the weighted priors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.datasets.meshes.generated import shape_pairs
from experiments.datasets.meshes.shapes import sheet
from experiments.objectives.metric_preservation import (
    ROLES,
    Anatomy,
    MetricPriors,
    moving,
    penalties,
    shape_loss,
    with_geodesics,
)
from models.layers.geodesics import heat_geodesics
from models.mesh_vae import MeshVAE

NET = MeshVAE(vertices=9, latent=3, widths=(4,))
NAMES = ("interpolation_euclidean", "interpolation_geodesic", "intrinsic", "extrinsic", "exchange")


@pytest.fixture(scope="module")
def known():
    plain = shape_pairs(sheet(3, 3), "sheets", examples=8, landmarks=2)
    dataset = with_geodesics(plain)
    assert dataset.fingerprint == plain.fingerprint
    anatomy = Anatomy(**{name: jnp.asarray(array) for name, array in dataset.context.items()}, style=2)
    batch = {name: jnp.asarray(array[:4]) for name, array in dataset.splits["train"].items()}
    params = NET.init(jax.random.key(0), jnp.zeros((1, 9, 3)))
    params = jax.tree.map(lambda leaf: leaf + 0.2 * jax.random.normal(jax.random.key(leaf.size), leaf.shape), params)
    return anatomy, batch, params


def straight(mesh):
    return np.array([[np.linalg.norm(one - other) for other in mesh] for one in np.asarray(mesh)])


def relative(found, wanted):
    return np.sum((np.asarray(found) - wanted) ** 2) / np.sum(np.asarray(wanted) ** 2)


def test_geodesics_of_the_data_are_the_solvers(known):
    anatomy, batch, _ = known
    for row, role in ((0, "vertices"), (1, "other")):
        found = heat_geodesics(batch[role][2], anatomy.faces, anatomy.landmarks)
        np.testing.assert_allclose(batch["geodesics"][2, row], found, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("number", range(len(NAMES)))
def test_each_prior_is_its_sum_over_pairs(known, number):
    anatomy, batch, _ = known
    meshes = jnp.stack([batch[role][1] for role in ROLES])
    moved, t = meshes + 0.05 * jax.random.normal(jax.random.key(1), meshes.shape), 0.3
    priors = MetricPriors(**{name: 2.0 * (name == NAMES[number]) for name in NAMES})
    first, last = np.asarray(batch["geodesics"][1])
    by_hand = (
        lambda: relative(straight(moved[0]), 0.7 * straight(meshes[0]) + 0.3 * straight(meshes[2])),
        lambda: relative(anatomy.geodesics(moved[0]), 0.7 * first + 0.3 * last),
        lambda: relative(anatomy.geodesics(moved[1]), first),
        lambda: relative(straight(moved[2]), straight(meshes[1])),
        lambda: np.mean((np.asarray(moved[2]) - np.asarray(meshes[1])) ** 2) / anatomy.scale**2,
    )
    found, metric = penalties(anatomy, priors)(moved, meshes, batch["geodesics"][1], jnp.float32(t))
    np.testing.assert_allclose(found, 2 * by_hand[number](), rtol=1e-3)
    np.testing.assert_allclose(metric, by_hand[1](), rtol=1e-3)


def test_a_mirror_image_has_all_distances_and_is_told_by_its_vertices(known):
    anatomy, batch, _ = known
    meshes = jnp.stack([batch[role][1] for role in ROLES])
    of_distances, of_vertices = (MetricPriors(**dict.fromkeys(NAMES, 0.0) | {name: 1.0}) for name in NAMES[3:])
    mirrored = meshes.at[2].set(meshes[1] * jnp.array([1.0, 1.0, -1.0]))
    same, _ = penalties(anatomy, of_distances)(mirrored, meshes, batch["geodesics"][1], jnp.float32(0))
    told, _ = penalties(anatomy, of_vertices)(mirrored, meshes, batch["geodesics"][1], jnp.float32(0))
    assert same < 1e-9
    assert told > 0.1


def test_ways_move_what_they_should(known):
    """All of the latent, the pose alone towards another body, the style alone towards another pose of the body."""
    anatomy, _, params = known
    latents = jax.random.normal(jax.random.key(2), (1, 3, 3))
    a, b, c = np.asarray(latents[0])
    found = moving(NET, anatomy, params, latents, jnp.array([0.25]))[0]
    wanted = [
        0.75 * a + 0.25 * c,
        np.r_[a[:2], 0.75 * a[2:] + 0.25 * c[2:]],
        np.r_[0.75 * a[:2] + 0.25 * b[:2], b[2:]],
    ]
    decoded = anatomy.meshes(NET.apply(params, jnp.asarray(np.stack(wanted)), method="decode"))
    np.testing.assert_allclose(found, decoded, rtol=1e-5, atol=1e-6)


def test_without_weights_limp_is_the_plain_autoencoder(known):
    anatomy, batch, params = known
    keys = jax.random.split(jax.random.key(3), 4)
    plain, measured = shape_loss(NET, anatomy, beta=0.5, priors=None)(params, batch, keys)
    none = MetricPriors(**dict.fromkeys(NAMES, 0.0))
    same, beside = shape_loss(NET, anatomy, beta=0.5, priors=none)(params, batch, keys)
    np.testing.assert_allclose(plain, measured["squared_error"] + 0.5 * measured["kl"], rtol=1e-6)
    np.testing.assert_allclose(same, plain, rtol=1e-6)
    assert set(beside) - set(measured) == {"metric"}
