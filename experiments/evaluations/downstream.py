"""How well an encoder and decoder do the downstream tasks, over a set of images: ``models/representation.py`` applied.

Everything takes a ``Codec``, so a network, an untrained one and PCA are measured alike.
"""

from dataclasses import dataclass
from functools import partial
from typing import Annotated

import jax
import jax.numpy as jnp
from annotated_types import Ge, Gt, Lt
from jaxtyping import Array, Bool, Float, Int, Key

from experiments.evaluations.codec import Codec, Codes, Images
from experiments.evaluations.linear_probe import Features
from losses.metrics.image_quality import peak_signal_to_noise
from losses.metrics.ranking import roc_auc
from losses.metrics.retrieval import precision_at_k, recall_at_k
from models.layers.corruption import gaussian_noise
from models.layers.nearest import nearest
from models.representation import code_bits, impute, quantized
from train.optimizers import Positive

Metric = Float[Array, ""]


@dataclass(frozen=True, kw_only=True)
class DownstreamProtocol:
    """How the tasks are measured."""

    levels: Annotated[int, Ge(2)] = 8
    """values that each number of a compressed code can take"""
    noise: Positive = 0.3
    """standard deviation of the noise that is to be removed"""
    missing: Annotated[float, Gt(0), Lt(1)] = 0.5
    """share of the pixels that are to be imputed"""
    neighbours: Annotated[int, Gt(0)] = 10
    """images that a search returns"""


def squared_distances(
    codes: Float[Array, "queries values"], stored: Float[Array, "stored values"]
) -> Float[Array, "queries stored"]:
    """‖c − s‖² of every query to everything stored."""
    squares = jnp.sum(codes**2, axis=1)[:, None] + jnp.sum(stored**2, axis=1)[None, :]
    return squares - 2 * codes @ stored.T


def mean_psnr(images: Images, others: Images) -> Metric:
    """The mean of the images' PSNR, in decibels."""
    return jnp.mean(jax.vmap(peak_signal_to_noise)(images, others))


def neighbour_recall(
    distances: Float[Array, "queries stored"], in_pixels: Float[Array, "queries stored"], *, k: int
) -> Metric:
    """Of the k nearest images by their pixels, how many are among the k nearest by code: in percent."""

    def of_one(by_code: Float[Array, " stored"], by_pixels: Float[Array, " stored"]) -> Metric:
        relevant = jnp.zeros_like(by_pixels).at[nearest(by_pixels, k=k)].set(1.0)
        return recall_at_k(by_code, relevant, k=k)

    return 100 * jnp.mean(jax.vmap(of_one)(distances, in_pixels))


def label_precision(
    distances: Float[Array, "queries stored"], labels: Int[Array, " queries"], stored: Int[Array, " stored"], *, k: int
) -> Metric:
    """How many of the k nearest by code have the query's label: in percent."""
    relevant = (labels[:, None] == stored[None, :]).astype(distances.dtype)
    return 100 * jnp.mean(jax.vmap(partial(precision_at_k, k=k))(distances, relevant))


def denoised(codec: Codec, key: Key[Array, ""], images: Images, *, level: float) -> tuple[Images, Images]:
    """The images with Gaussian noise, and their reconstructions."""
    noisy = gaussian_noise(key, images, level=level)
    return noisy, codec.reconstruct(noisy)


def compressed(codec: Codec, images: Images, seen: Codes, *, levels: int) -> tuple[Metric, Images]:
    """Bits per image after entropy coding, and the images decoded from codes of ``levels`` values in each dimension.

    The range of a dimension, and how often each value comes, are those of the ``seen`` codes of training images.
    """
    low, high = seen.min(axis=0), seen.max(axis=0)
    coarse = jax.vmap(lambda code: quantized(code, low, high, levels=levels))(codec.encode(images))
    return jnp.sum(code_bits(seen, low, high, levels=levels)), codec.decode(coarse)


def reconstruction_errors(codec: Codec, images: Images) -> Float[Array, " images"]:
    """The score of an anomaly: mean squared error of the reconstruction."""
    return jnp.mean((images - codec.reconstruct(images)) ** 2, axis=(1, 2, 3))


def anomaly_auc(codec: Codec, images: Images, anomalies: Images) -> Metric:
    """The area under the ROC curve of the reconstruction errors."""
    return roc_auc(reconstruction_errors(codec, images), reconstruction_errors(codec, anomalies))


def imputed(codec: Codec, images: Images, observed: Bool[Array, " images *shape"], mean: Array) -> Images:
    """The images with what is missing taken first from the mean image, then thirty times from the reconstruction."""

    def of_one(image: Array, seen: Array) -> Array:
        return impute(lambda one: codec.reconstruct(one[None])[0], image, seen, iterations=30)

    return jax.vmap(of_one)(jnp.where(observed, images, mean), observed)


def missing_psnr(images: Images, filled: Images, observed: Bool[Array, " images *shape"]) -> Metric:
    """PSNR of the missing pixels of all images together, in decibels."""
    errors = jnp.where(observed, 0.0, (images - filled) ** 2)
    return -10 * jnp.log10(errors.sum() / (~observed).astype(errors.dtype).sum())


OUT_OF_DISTRIBUTION = ("independent", "shuffled", "upside_down")
"""Kinds of images that no autoencoder was trained on, made of those that it was."""


def out_of_distribution(key: Key[Array, ""], images: Images, kind: str) -> Images:
    """As many images of another kind: turned by 180°, with the pixels of each shuffled, or with every pixel from an
    image of its own, so that they are independent.
    """
    if kind == "upside_down":
        return images[:, ::-1, ::-1]
    flat = images.reshape(len(images), -1)
    mixed = jax.random.permutation(key, flat, axis=int(kind == "shuffled"), independent=True)
    return mixed.reshape(images.shape)


def observed_mask(key: Key[Array, ""], images: Images, *, missing: float) -> Bool[Array, " images *shape"]:
    """Which pixels are left: each is lost with probability ``missing``, in all of its channels."""
    lost = jax.random.bernoulli(key, missing, images.shape[:-1])[..., None]
    return jnp.broadcast_to(~lost, images.shape)


def retrieval(
    features: Features,
    searched: Features,
    labels: Int[Array, " images"],
    stored: Int[Array, " stored"],
    protocol: DownstreamProtocol,
) -> dict[str, Metric]:
    """Of each feature: neighbours by pixels that are its neighbours too, and neighbours that have the query's label."""
    k = protocol.neighbours
    distances = {name: squared_distances(each, searched[name]) for name, each in features.items()}
    recall = {name: neighbour_recall(each, distances["pixels"], k=k) for name, each in distances.items()}
    precision = {name: label_precision(each, labels, stored, k=k) for name, each in distances.items()}
    return {f"{name}/neighbours": value for name, value in recall.items()} | {
        f"{name}/search": value for name, value in precision.items()
    }


def reconstruction_tasks(
    codec: Codec,
    images: Images,
    stored: Images,
    anomalies: dict[str, Images],
    key: Key[Array, ""],
    protocol: DownstreamProtocol,
) -> dict[str, Metric]:
    """The tasks that need a decoder."""
    observed = observed_mask(key, images, missing=protocol.missing)
    seen = codec.encode(stored)
    bits, coarse = compressed(codec, images, seen, levels=protocol.levels)
    _, restored = denoised(codec, key, images, level=protocol.noise)
    filled = imputed(codec, images, observed, stored.mean(axis=0))
    return {
        "psnr": mean_psnr(images, codec.reconstruct(images)),
        "compression": mean_psnr(images, coarse),
        "compression_bits": bits,
        "denoising": mean_psnr(images, restored),
        "imputation": missing_psnr(images, filled, observed),
    } | {f"anomaly_{kind}": anomaly_auc(codec, images, each) for kind, each in anomalies.items()}


def chance_levels(
    images: Images,
    labels: Int[Array, " images"],
    stored: dict[str, Array],
    key: Key[Array, ""],
    protocol: DownstreamProtocol,
) -> dict[str, Metric]:
    """What any system has to be better than: chance, the mean image, the noise itself."""
    mean = jnp.broadcast_to(stored["image"].mean(axis=0), images.shape)
    observed = observed_mask(key, images, missing=protocol.missing)
    return {
        "chance/search": 100 * jnp.mean((labels[:, None] == stored["label"][None, :]).astype(images.dtype)),
        "chance/neighbours": jnp.asarray(100 * protocol.neighbours / len(stored["label"])),
        "mean_image/psnr": mean_psnr(images, mean),
        "mean_image/imputation": missing_psnr(images, mean, observed),
        "noisy_image/denoising": mean_psnr(images, gaussian_noise(key, images, level=protocol.noise)),
    }
