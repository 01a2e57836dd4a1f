"""Measures of a trained latent space over a set of images: the formulas of ``models/latent.py`` and its neighbours."""

from functools import partial
from math import sqrt

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from experiments.evaluations.codec import Coder, Codes, Images
from experiments.evaluations.downstream import decibels, squared_distances
from experiments.datasets.generated import SHAPE_FACTORS
from models.chart import curve_length, geodesic, straight_line
from models.disentanglement import beta_vae_score, mutual_information_gap, pair_difference
from models.latent import analogy, boundary, linear_interpolation, on_sphere, spherical_interpolation
from models.linear_map import LinearMap, least_squares_map, procrustes_map

Metrics = dict[str, Float[Array, ""]]
RADII = {"near": 0.5, "typical": 1.0, "far": 3.0}
"""Distances from the prior's mode, in multiples of √k, around which the norms of its samples concentrate."""
GROUPS, PAIRS = 500, 50  # of the β-VAE metric: groups of pairs for training and as many for testing, pairs in each


def maps_between(source: Codes, target: Codes, key: Key[Array, ""]) -> dict[str, LinearMap]:
    """From one model's codes of a support set to the other's; beside them a rotation at random, with the right mean."""
    rotation, _ = jnp.linalg.qr(jax.random.normal(key, (source.shape[1], target.shape[1])))
    return {
        "least_squares": least_squares_map(source, target),
        "procrustes": procrustes_map(source, target),
        "random": LinearMap(rotation, target.mean(axis=0) - source.mean(axis=0) @ rotation),
    }


def stitched_images(
    first: Coder, second: Coder, support: Images, images: Images, key: Key[Array, ""]
) -> dict[str, Images]:
    """Reconstructions: by each model alone, and by the first's encoder, a map and the second's decoder."""
    maps = maps_between(first.encode(support), second.encode(support), key)
    whole = {"first": first.reconstruct(images), "second": second.reconstruct(images)}
    return whole | {name: second.decode(one(first.encode(images))) for name, one in maps.items()}


def stitched(first: Coder, second: Coder, support: Images, images: Images, key: Key[Array, ""]) -> Metrics:
    """PSNR of those reconstructions."""
    each = stitched_images(first, second, support, images, key)
    return {f"stitched/{name}": decibels(images, made) for name, made in each.items()}


def nearest_distance(images: Images, stored: Images) -> Float[Array, " images"]:
    """Root of the mean squared difference of the pixels to the most similar stored image."""
    flat, others = (array.reshape(len(array), -1) for array in (images, stored))
    nearest = jnp.min(squared_distances(flat, others), axis=1) / flat.shape[1]
    return jnp.sqrt(jnp.maximum(nearest, 0.0))


def samples_at(coder: Coder, codes: Codes, key: Key[Array, ""], radius: float) -> Images:
    """Images decoded from codes at ``radius`` times √k from the mode, as many as ``codes``."""
    draws = jax.random.normal(key, codes.shape)
    return coder.decode(jax.vmap(on_sphere, (0, None))(draws, jnp.asarray(radius * sqrt(codes.shape[1]))))


def unlikeness(coder: Coder, images: Images, stored: Images, key: Key[Array, ""]) -> Metrics:
    """How far from all training images lies what is decoded: samples near and far from the prior's mode, and middles of
    straight and of spherical ways between codes of test images; beside them, test images themselves.
    """
    codes = coder.encode(images)
    middle = jnp.asarray(0.5)
    shown = {name: samples_at(coder, codes, key, radius) for name, radius in RADII.items()} | {"test": images}
    for name, between in (("linear", linear_interpolation), ("spherical", spherical_interpolation)):
        shown[name] = coder.decode(jax.vmap(between, (0, 0, None))(codes, jnp.roll(codes, 1, axis=0), middle))
    return {f"unlike/{name}": nearest_distance(each, stored).mean() for name, each in shown.items()}


def ways(coder: Coder, starts: Codes, ends: Codes) -> tuple[Float[Array, "ways points latent"], Array]:
    """Straight lines of 20 codes, and the geodesics between the same ends."""
    lines = jax.vmap(partial(straight_line, points=20))(starts, ends)
    return lines, jax.lax.map(partial(geodesic, decode_one(coder)), lines)


def decode_one(coder: Coder):
    """The decoder of a single code."""
    return lambda code: coder.decode(code[None])[0]


def geodesic_ratio(coder: Coder, images: Images) -> Float[Array, ""]:
    """Mean length of geodesics over that of the straight lines, from each of the first half of codes to one of the
    second.
    """
    starts, ends = jnp.split(coder.encode(images[: len(images) // 2 * 2]), 2)
    lengths = [jax.vmap(partial(curve_length, decode_one(coder)))(points) for points in ways(coder, starts, ends)]
    return jnp.mean(lengths[1]) / jnp.mean(lengths[0])


def disentanglement(codes: Codes, factors: Int[Array, "images factors"], key: Key[Array, ""]) -> Metrics:
    """MIG and β-VAE score of codes of all images of ``shapes``, beside the same codes rotated and beside noise.

    A rotation of standardised codes keeps all that they tell, but not along which axes.
    """
    rotation, _ = jnp.linalg.qr(jax.random.normal(key, (codes.shape[1], codes.shape[1])))
    unit = (codes - codes.mean(axis=0)) / codes.std(axis=0)
    each = {"codes": codes, "rotated": unit @ rotation, "noise": jax.random.normal(key, codes.shape)}
    values = max(SHAPE_FACTORS.values())
    metrics = {f"mig/{name}": mutual_information_gap(z, factors, values=values) for name, z in each.items()}
    return metrics | {f"beta_vae/{name}": pair_score(z) for name, z in each.items()}


def pair_score(codes: Codes) -> Float[Array, ""]:
    """The β-VAE metric of codes of all images of ``shapes``, in their order."""
    shared, one, other = pairs_sharing_a_factor()
    differences = jax.vmap(pair_difference)(codes[one], codes[other])
    return beta_vae_score(
        differences[:GROUPS], shared[:GROUPS], differences[GROUPS:], shared[GROUPS:], factors=len(SHAPE_FACTORS)
    )


def pairs_sharing_a_factor() -> tuple[Array, Array, Array]:
    """For each group the factor that its pairs share, and the numbers of the images of all pairs [groups, pairs]."""
    rng, sizes = np.random.Generator(np.random.Philox(1)), np.array(list(SHAPE_FACTORS.values()))
    shared = rng.integers(len(sizes), size=2 * GROUPS)
    pairs = rng.integers(sizes, size=(2, 2 * GROUPS, PAIRS, len(sizes)))
    same = np.arange(len(sizes)) == shared[:, None, None]
    pairs[1] = np.where(same, pairs[0], pairs[1])
    numbers = np.ravel_multi_index(tuple(np.moveaxis(pairs, -1, 0)), tuple(sizes)).astype(np.int32)
    return jnp.asarray(shared, jnp.int32), jnp.asarray(numbers[0]), jnp.asarray(numbers[1])


def parallelograms() -> tuple[np.ndarray, ...]:
    """Numbers of images of ``shapes`` of one size: at two columns of one row, at the second column of another row, and
    at the first column of that: [300] each.
    """
    rng, sizes = np.random.Generator(np.random.Philox(2)), tuple(SHAPE_FACTORS.values())
    (column, other), (row, below) = (np.array([rng.permutation(n)[:2] for _ in range(300)]).T for n in sizes[:2])
    size = rng.integers(sizes[2], size=300)
    corners = ((column, row), (other, row), (other, below), (column, below))
    return tuple(np.ravel_multi_index((*corner, size), sizes) for corner in corners)


def analogous(coder: Coder, images: Images) -> tuple[Images, Images, Images]:
    """Of those parallelograms, what is decoded from the analogy of the first three, the third image, and the fourth."""
    codes, corners = coder.encode(images), parallelograms()
    made = coder.decode(jax.vmap(analogy)(*(codes[corner] for corner in corners[:3])))
    return made, images[corners[2]], images[corners[3]]


def factor_analogies(coder: Coder, images: Images) -> Metrics:
    """PSNR of what analogies decode to, beside the third image's, which needs no arithmetic, and the fourth's own
    reconstruction, which needs no analogy.
    """
    made, third, fourth = analogous(coder, images)
    return {
        "analogy_psnr/code": decibels(fourth, made),
        "analogy_psnr/third_image": decibels(fourth, third),
        "analogy_psnr/reconstruction": decibels(fourth, coder.reconstruct(fourth)),
    }


def label_of_nearest(images: Images, train: dict[str, Array]) -> Int[Array, " images"]:
    """What a nearest-neighbour classifier of pixels says."""
    flat, stored = (array.reshape(len(array), -1) for array in (images, train["image"]))
    return train["label"][jnp.argmin(squared_distances(flat, stored), axis=1)]


def with_next_label(
    coder: Coder, codes: Codes, labels: Int[Array, " images"], train: dict[str, Array]
) -> tuple[Codes, Int[Array, " images"]]:
    """Each code minus the mean code of its label plus the mean code of the next label, and that label."""
    classes = int(np.asarray(train["label"]).max()) + 1
    members = jax.nn.one_hot(train["label"], classes)
    means = members.T @ coder.encode(train["image"]) / jnp.maximum(members.sum(axis=0)[:, None], 1.0)
    following = (labels + 1) % classes
    return jax.vmap(analogy)(codes, means[labels], means[following]), following


def boundary_codes(coder: Coder, starts: Codes, ends: Codes, train: dict[str, Array]) -> Codes:
    """On the straight ways between codes, the last point whose image has the same nearest label as the first's."""

    def of_one(start, end):
        label = label_of_nearest(coder.decode(start[None]), train)[0]
        return boundary(lambda code: label_of_nearest(coder.decode(code[None]), train)[0] == label, start, end)

    return jax.lax.map(lambda ends: of_one(*ends), (starts, ends))


def label_analogies(coder: Coder, images: Images, labels: Int[Array, " images"], train: dict[str, Array]) -> Metrics:
    """How often an image whose code was given the next label's mean is seen as of that label, and how often it was
    before; and how far from all training images lie those decoded at the boundaries between labels.
    """
    codes = coder.encode(images)
    moved, following = with_next_label(coder, codes, labels, train)
    changed, unchanged = (
        100 * jnp.mean((label_of_nearest(coder.decode(each), train) == following).astype(codes.dtype))
        for each in (moved, codes)
    )
    starts, ends = codes[:20], codes[20:40]
    between = coder.decode(boundary_codes(coder, starts, ends, train))
    return {
        "analogy/changed": changed,
        "analogy/unchanged": unchanged,
        "unlike/boundary": nearest_distance(between, train["image"]).mean(),
    }
