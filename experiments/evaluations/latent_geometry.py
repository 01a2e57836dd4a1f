"""Measures of a trained latent space over a set of images: the formulas of ``models/latent.py`` and its neighbours."""

from functools import partial
from math import sqrt

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from experiments.datasets.generated import SHAPE_FACTORS
from experiments.evaluations.codec import Codec, Codes, Images
from experiments.evaluations.downstream import mean_psnr, squared_distances
from losses.metrics.disentanglement import beta_vae_score, mutual_information_gap, pair_difference
from models.chart import Decode, curve_length, geodesic, straight_line
from models.latent import analogy, boundary, linear_interpolation, on_sphere, spherical_interpolation
from models.layers.linear_map import LinearMap, least_squares_map, procrustes_map
from models.layers.nearest import nearest

Metrics = dict[str, Float[Array, ""]]
RADII = {"near": 0.5, "typical": 1.0, "far": 3.0}
"""Distances from the prior's mode, in multiples of √k, around which the norms of its samples concentrate."""
STITCHES = ("least_squares", "procrustes", "random")
"""Linear maps from one model's codes to another's; the last one is a baseline."""
POINTS = 20
"""Codes of a curve."""
GROUPS, PAIRS = 500, 50  # of the β-VAE metric: groups of pairs for training and as many for testing, pairs in each
ENDS = 40
"""Images whose codes are the ends of the curves that are measured."""


def maps_between(source: Codes, target: Codes, key: Key[Array, ""]) -> dict[str, LinearMap]:
    """From one model's codes of a support set to the other's; beside them a rotation at random, with the right mean."""
    rotation, _ = jnp.linalg.qr(jax.random.normal(key, (source.shape[1], target.shape[1])))
    maps = (
        least_squares_map(source, target),
        procrustes_map(source, target),
        LinearMap(rotation, target.mean(axis=0) - source.mean(axis=0) @ rotation),
    )
    return dict(zip(STITCHES, maps, strict=True))


def stitched_reconstructions(
    first: Codec, second: Codec, support: Images, images: Images, key: Key[Array, ""]
) -> dict[str, Images]:
    """Reconstructions: by each model alone, and by the first's encoder, a linear map and the second's decoder.

    Lenc & Vedaldi 2015 and Bansal et al. 2021 call this stitching of models.
    """
    maps = maps_between(first.encode(support), second.encode(support), key)
    alone = {"first": first.reconstruct(images), "second": second.reconstruct(images)}
    codes = first.encode(images)
    return alone | {f"stitched_{name}": second.decode(linear_map(codes)) for name, linear_map in maps.items()}


def stitching_psnr(first: Codec, second: Codec, support: Images, images: Images, key: Key[Array, ""]) -> Metrics:
    """PSNR of those reconstructions."""
    reconstructed = stitched_reconstructions(first, second, support, images, key)
    return {f"{name}/psnr": mean_psnr(images, each) for name, each in reconstructed.items()}


def nearest_distance(images: Images, stored: Images) -> Float[Array, " images"]:
    """Root of the mean squared difference of the pixels to the most similar stored image."""
    flat, others = (array.reshape(len(array), -1) for array in (images, stored))
    least = jnp.min(squared_distances(flat, others), axis=1) / flat.shape[1]
    return jnp.sqrt(jnp.maximum(least, 0.0))


def samples_at(codec: Codec, codes: Codes, key: Key[Array, ""], radius: float) -> Images:
    """Images decoded from codes at ``radius`` times √k from the mode, as many as ``codes``."""
    draws = jax.random.normal(key, codes.shape)
    return codec.decode(jax.vmap(on_sphere, (0, None))(draws, jnp.asarray(radius * sqrt(codes.shape[1]))))


def nearest_distances(codec: Codec, images: Images, stored: Images, key: Key[Array, ""]) -> Metrics:
    """How far from all training images lies what is decoded: samples near and far from the prior's mode, and middles of
    straight lines and of great circles between codes of test images; beside them, test images themselves, and two of
    them one over the other.
    """
    codes = codec.encode(images)
    middle = jnp.asarray(0.5)
    shown = {name: samples_at(codec, codes, key, radius) for name, radius in RADII.items()}
    for name, between in (("linear", linear_interpolation), ("spherical", spherical_interpolation)):
        shown[name] = codec.decode(jax.vmap(between, (0, 0, None))(codes, jnp.roll(codes, 1, axis=0), middle))
    decoded = {f"first/nearest_distance_{name}": nearest_distance(each, stored).mean() for name, each in shown.items()}
    blended = jax.vmap(linear_interpolation, (0, 0, None))(images, jnp.roll(images, 1, axis=0), middle)
    beside = {"test_images": images, "blended_images": blended}
    return decoded | {
        f"{name}/nearest_distance": nearest_distance(each, stored).mean() for name, each in beside.items()
    }


def curves_between(
    codec: Codec, starts: Codes, ends: Codes, *, steps: int
) -> tuple[Float[Array, "curves points latent"], Float[Array, "curves points latent"]]:
    """Straight lines of codes, and the geodesics between the same ends, after ``steps`` of their descent."""
    lines = jax.vmap(partial(straight_line, points=POINTS))(starts, ends)
    return lines, jax.lax.map(partial(geodesic, decode_one(codec), steps=steps), lines)


def decode_one(codec: Codec) -> Decode:
    """The decoder of a single code."""
    return lambda code: codec.decode(code[None])[0]


def geodesic_length_ratio(codec: Codec, images: Images, *, steps: int) -> Float[Array, ""]:
    """Mean length of geodesics over that of the straight lines, from each of the first half of codes to one of the
    second.
    """
    starts, ends = jnp.split(codec.encode(images[: len(images) // 2 * 2]), 2)
    curves = curves_between(codec, starts, ends, steps=steps)
    lines, geodesics = (jax.vmap(partial(curve_length, decode_one(codec)))(points) for points in curves)
    return jnp.mean(geodesics) / jnp.mean(lines)


def disentanglement(codes: Codes, factors: Int[Array, "images factors"], key: Key[Array, ""]) -> Metrics:
    """MIG and β-VAE score of codes of all images of ``shapes``, beside the same codes rotated and beside noise.

    A rotation of standardised codes keeps all that they tell, but not along which axes.
    """
    rotation, _ = jnp.linalg.qr(jax.random.normal(key, (codes.shape[1], codes.shape[1])))
    unit = (codes - codes.mean(axis=0)) / codes.std(axis=0)
    each = {"first": codes, "rotated": unit @ rotation, "noise": jax.random.normal(key, codes.shape)}
    values = max(SHAPE_FACTORS.values())
    metrics = {f"{name}/mig": mutual_information_gap(z, factors, values=values) for name, z in each.items()}
    return metrics | {f"{name}/beta_vae_score": pair_score(z) for name, z in each.items()}


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


def parallelogram_analogies(codec: Codec, images: Images) -> tuple[Images, Images, Images]:
    """Of those parallelograms, what is decoded from the analogy of the first three, the third image, and the fourth."""
    codes, corners = codec.encode(images), parallelograms()
    decoded = codec.decode(jax.vmap(analogy)(*(codes[corner] for corner in corners[:3])))
    return decoded, images[corners[2]], images[corners[3]]


def factor_analogies(codec: Codec, images: Images) -> Metrics:
    """PSNR of what analogies decode to, beside the third image's, which needs no arithmetic, and the fourth's own
    reconstruction, which needs no analogy.
    """
    decoded, third, fourth = parallelogram_analogies(codec, images)
    return {
        "first/analogy_psnr": mean_psnr(fourth, decoded),
        "third_image/analogy_psnr": mean_psnr(fourth, third),
        "reconstruction/analogy_psnr": mean_psnr(fourth, codec.reconstruct(fourth)),
    }


def nearest_label(images: Images, train: dict[str, Array]) -> Int[Array, " images"]:
    """What a nearest-neighbour classifier of pixels says."""
    flat, stored = (array.reshape(len(array), -1) for array in (images, train["image"]))
    return train["label"][nearest(squared_distances(flat, stored), k=1)[:, 0]]


def with_next_label(
    codec: Codec, codes: Codes, labels: Int[Array, " images"], train: dict[str, Array], *, classes: int
) -> tuple[Codes, Int[Array, " images"]]:
    """Each code minus the mean code of its label plus the mean code of the next label, and that label."""
    members = jax.nn.one_hot(train["label"], classes)
    means = members.T @ codec.encode(train["image"]) / jnp.maximum(members.sum(axis=0)[:, None], 1.0)
    following = (labels + 1) % classes
    return jax.vmap(analogy)(codes, means[labels], means[following]), following


def boundary_codes(codec: Codec, starts: Codes, ends: Codes, train: dict[str, Array]) -> Codes:
    """On the straight lines between codes, the last point whose image has the same nearest label as the first's."""

    def of_one(start, end):
        label = nearest_label(codec.decode(start[None]), train)[0]
        return boundary(lambda code: nearest_label(codec.decode(code[None]), train)[0] == label, start, end)

    return jax.lax.map(lambda ends: of_one(*ends), (starts, ends))


def label_analogies(
    codec: Codec, images: Images, labels: Int[Array, " images"], train: dict[str, Array], *, classes: int
) -> Metrics:
    """How often an image whose code was given the next label's mean is seen as of that label, and how often it was
    before; and how far from all training images lie those decoded at the boundaries between labels.
    """
    codes = codec.encode(images)
    moved, following = with_next_label(codec, codes, labels, train, classes=classes)
    changed, unchanged = (
        100 * jnp.mean((nearest_label(codec.decode(each), train) == following).astype(codes.dtype))
        for each in (moved, codes)
    )
    starts, ends = jnp.split(codes[:ENDS], 2)
    between = codec.decode(boundary_codes(codec, starts, ends, train))
    return {
        "first/analogy_changed": changed,
        "first/analogy_unchanged": unchanged,
        "first/nearest_distance_boundary": nearest_distance(between, train["image"]).mean(),
    }
