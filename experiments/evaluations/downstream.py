"""How well an encoder and decoder serve each use, over a set of images: the formulas of ``models/representation.py``.

Everything takes a ``Coder``, so a network, an untrained one and PCA are measured alike.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key

from experiments.evaluations.codec import Coder, Codes, Images
from experiments.evaluations.linear_probe import Features
from models.layers.corruption import gaussian_noise
from models.representation import (
    code_bits,
    impute,
    peak_signal_to_noise,
    precision_at_k,
    quantized,
    recall_at_k,
    roc_auc,
)

Metric = Float[Array, ""]


class Protocol(NamedTuple):
    """How the uses are measured."""

    levels: int
    """values of each number of a compressed code"""
    noise: float
    """standard deviation of what is to be removed"""
    missing: float
    """share of the pixels that are to be imputed"""
    neighbours: int
    """images that a search returns"""


def squared_distances(
    codes: Float[Array, "queries values"], stored: Float[Array, "stored values"]
) -> Float[Array, "queries stored"]:
    """‖c − s‖² of every query to everything stored."""
    squares = jnp.sum(codes**2, axis=1)[:, None] + jnp.sum(stored**2, axis=1)[None, :]
    return squares - 2 * codes @ stored.T


def decibels(images: Images, others: Images) -> Metric:
    """The mean of the images' PSNR."""
    return jnp.mean(jax.vmap(peak_signal_to_noise)(images, others))


def neighbours_kept(
    distances: Float[Array, "queries stored"], in_pixels: Float[Array, "queries stored"], *, k: int
) -> Metric:
    """Of the k nearest images by their pixels, how many are among the k nearest by code: in percent."""

    def of_one(by_code: Float[Array, " stored"], by_pixels: Float[Array, " stored"]) -> Metric:
        _, nearest = jax.lax.top_k(-by_pixels, k)
        return recall_at_k(by_code, jnp.zeros_like(by_pixels).at[nearest].set(1.0), k=k)

    return 100 * jnp.mean(jax.vmap(of_one)(distances, in_pixels))


def same_label_found(
    distances: Float[Array, "queries stored"], labels: Int[Array, " queries"], stored: Int[Array, " stored"], *, k: int
) -> Metric:
    """How many of the k nearest by code have the query's label: in percent."""
    relevant = (labels[:, None] == stored[None, :]).astype(distances.dtype)
    return 100 * jnp.mean(jax.vmap(partial(precision_at_k, k=k))(distances, relevant))


def denoised(coder: Coder, key: Key[Array, ""], images: Images, *, level: float) -> tuple[Images, Images]:
    """The images with Gaussian noise, and what is made of them."""
    noisy = gaussian_noise(key, images, level=level)
    return noisy, coder.reconstruct(noisy)


def compressed(coder: Coder, images: Images, seen: Codes, *, levels: int) -> tuple[Metric, Images]:
    """Bits per image after entropy coding, and the images decoded from codes of ``levels`` values in each dimension.

    The range of a dimension, and how often each value comes, are those of the ``seen`` codes of training images.
    """
    low, high = seen.min(axis=0), seen.max(axis=0)
    coarse = jax.vmap(lambda code: quantized(code, low, high, levels=levels))(coder.encode(images))
    return jnp.sum(code_bits(seen, low, high, levels=levels)), coder.decode(coarse)


def reconstruction_errors(coder: Coder, images: Images) -> Float[Array, " images"]:
    """The score of an anomaly: mean squared error of the reconstruction."""
    return jnp.mean((images - coder.reconstruct(images)) ** 2, axis=(1, 2, 3))


def anomalies_found(coder: Coder, images: Images, foreign: Images) -> Metric:
    """The area under the ROC curve of the reconstruction errors."""
    return roc_auc(reconstruction_errors(coder, images), reconstruction_errors(coder, foreign))


def completed(coder: Coder, images: Images, observed: Bool[Array, "images *shape"], mean: Array) -> Images:
    """The images with what is missing taken first from the mean image, then thirty times from the reconstruction."""

    def of_one(image: Array, seen: Array) -> Array:
        return impute(lambda one: coder.reconstruct(one[None])[0], image, seen, iterations=30)

    return jax.vmap(of_one)(jnp.where(observed, images, mean), observed)


def missing_decibels(images: Images, filled: Images, observed: Bool[Array, "images *shape"]) -> Metric:
    """PSNR of the missing pixels of all images together."""
    errors = jnp.where(observed, 0.0, (images - filled) ** 2)
    return -10 * jnp.log10(errors.sum() / (~observed).astype(errors.dtype).sum())


FOREIGN = ("independent", "shuffled", "upside_down")
"""Images that no autoencoder was trained on, made of those that it was."""


def foreign_images(key: Key[Array, ""], images: Images, kind: str) -> Images:
    """As many images of another kind: turned by 180°, with the pixels of each shuffled, or with every pixel from an
    image of its own, so that they are independent.
    """
    if kind == "upside_down":
        return images[:, ::-1, ::-1]
    flat = images.reshape(len(images), -1)
    mixed = jax.random.permutation(key, flat, axis=int(kind == "shuffled"), independent=True)
    return mixed.reshape(images.shape)


def observed_part(key: Key[Array, ""], images: Images, *, missing: float) -> Bool[Array, "images *shape"]:
    """Which pixels are left: each is lost with probability ``missing``, in all of its channels."""
    lost = jax.random.bernoulli(key, missing, images.shape[:-1])[..., None]
    return jnp.broadcast_to(~lost, images.shape)


def searches(
    features: Features, searched: Features, labels: Int[Array, " images"], stored: Int[Array, " stored"], how: Protocol
) -> dict[str, dict[str, Metric]]:
    """Neighbours by pixels that are neighbours by a feature too, and neighbours that have the query's label."""
    distances = {name: squared_distances(each, searched[name]) for name, each in features.items()}
    kept = {name: neighbours_kept(each, distances["pixels"], k=how.neighbours) for name, each in distances.items()}
    alike = {name: same_label_found(each, labels, stored, k=how.neighbours) for name, each in distances.items()}
    return {"neighbours": kept, "search": alike}


def reconstructions(
    coder: Coder, images: Images, stored: Images, foreign: dict[str, Images], key: Key[Array, ""], how: Protocol
) -> dict[str, Metric]:
    """The uses that need a decoder."""
    observed = observed_part(key, images, missing=how.missing)
    seen = coder.encode(stored)
    bits, coarse = compressed(coder, images, seen, levels=how.levels)
    _, restored = denoised(coder, key, images, level=how.noise)
    filled = completed(coder, images, observed, stored.mean(axis=0))
    return {
        "psnr": decibels(images, coder.reconstruct(images)),
        "compression": decibels(images, coarse),
        "compression_bits": bits,
        "denoising": decibels(images, restored),
        "imputation": missing_decibels(images, filled, observed),
    } | {f"anomaly_{kind}": anomalies_found(coder, images, each) for kind, each in foreign.items()}


def by_chance(
    images: Images, stored: dict[str, Array], labels: Int[Array, " images"], key: Key[Array, ""], how: Protocol
) -> dict[str, Metric]:
    """What any use has to be better than: chance, the mean image, the noise itself."""
    mean = jnp.broadcast_to(stored["image"].mean(axis=0), images.shape)
    observed = observed_part(key, images, missing=how.missing)
    return {
        "search/chance": 100 * jnp.mean((labels[:, None] == stored["label"][None, :]).astype(images.dtype)),
        "neighbours/chance": jnp.asarray(100 * how.neighbours / len(stored["label"])),
        "psnr/mean_image": decibels(images, mean),
        "imputation/mean_image": missing_decibels(images, mean, observed),
        "denoising/noisy": decibels(images, gaussian_noise(key, images, level=how.noise)),
    }
