"""What stands in pictures, for ``lectern bench vision``: ``python -m experiments.bench.vision WORK``.

Prints one JSON line with ``examples_per_second`` and ``megabytes``, the memory at its highest above that after imports.
``peers/vision_torch.py`` does the same work, ``peers/suppression_numpy.py`` and ``peers/torchvision_boxes.py``
that of the suppression.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn
from jaxtyping import Array, Float

from experiments.bench.convolution import CHUNKS, main, rate
from experiments.objectives.segmentation import segmentation_loss
from losses.activation import layer_activation
from models.layers.perturbation import unit_mean
from models.layers.pool import max_pool
from models.layers.suppression import suppress_overlaps
from models.segmentation import UNet, conv
from models.yolo import YOLOv3
from train.task import Params, supervised

SIDE, BATCH, STEPS, CLASSES = 64, 16, 10, 4
"""Of the U-Net."""
SEEN, AT_ONCE, PASSES = 128, 8, 10
"""Pixels of a side and images of a batch for the detector, and its batches in a chunk."""
BOXES, KEPT, ROUNDS = 1000, 100, 50
PICTURE, DREAM_STEPS = (192, 288, 3), 10
"""What is dreamt in."""


def unet() -> float:
    """Images per second of training steps inside a scan."""
    model, rng = UNet((16, 32, 48), CLASSES), np.random.default_rng(0)
    images = rng.random((STEPS, BATCH, SIDE, SIDE, 1), np.float32)
    labels = rng.integers(CLASSES, size=(STEPS, BATCH, SIDE, SIDE)).astype(np.int32)
    task = supervised(segmentation_loss(model.apply), lambda key: model.init(key, images[0, :1]), optax.adam(1e-3))
    batches = jax.device_put({"image": images, "labels": labels})
    chunk = jax.jit(lambda state, batches: jax.lax.scan(task.step, state, batches)[0], donate_argnums=0)
    return rate(partial(chunk, batches=batches), jax.jit(task.init)(jax.random.key(0)), CHUNKS * STEPS * BATCH)


def yolo() -> float:
    """Images per second of the slim detector's maps, running statistics in use."""
    model = YOLOv3(3, (8, 16, 32, 64, 64), (0, 1, 1, 1), head=3)
    images = np.random.default_rng(0).random((AT_ONCE, SEEN, SEEN, 1), np.float32)
    params = jax.jit(model.init)(jax.random.key(0), images)

    @jax.jit
    def chunk(params: Params, images: Array) -> Array:
        def another(images: Array, _: None) -> tuple[Array, None]:
            said = model.apply(params, images)
            return images + 1e-9 * sum(each.mean() for each in said), None

        return jax.lax.scan(another, images, None, length=PASSES)[0]

    return rate(partial(chunk, params), jax.device_put(images), CHUNKS * PASSES * AT_ONCE)


class Trunk(nn.Module):
    """Two convolutions, of 16 features by 5×5 and of 32 by 3×3, a rectifier after each and a pool between."""

    @nn.compact
    def __call__(
        self, images: Float[Array, "batch height width channels"]
    ) -> Float[Array, "batch rows columns features"]:
        hidden = max_pool(nn.relu(conv(16, size=5)(images)), window=2)
        return nn.relu(conv(32)(hidden))


def deep_dream() -> float:
    """Steps per second of ascent in a picture for the content of a layer."""
    model, picture = Trunk(), np.random.default_rng(0).random(PICTURE, np.float32)
    params = jax.jit(model.init)(jax.random.key(0), picture[None])

    @jax.jit
    def chunk(params: Params, picture: Array) -> Array:
        def another(picture: Array, _: None) -> tuple[Array, None]:
            slope = jax.grad(lambda picture: layer_activation(model.apply(params, picture[None])[0]))(picture)
            return jnp.clip(picture + 0.003 * unit_mean(slope), 0.0, 1.0), None

        return jax.lax.scan(another, picture, None, length=DREAM_STEPS)[0]

    return rate(partial(chunk, params), jax.device_put(picture), CHUNKS * DREAM_STEPS)


def suppression() -> float:
    """Calls per second with the 1,000 boxes of ``drawn_boxes``, of which 100 are kept."""
    boxes, scores = map(jnp.asarray, drawn_boxes())

    @jax.jit
    def chunk(scores: Array) -> Array:
        def another(scores: Array, _: None) -> tuple[Array, None]:
            kept = suppress_overlaps(boxes, scores, keep=KEPT)
            return scores + 1e-9 * kept.sum().astype(scores.dtype), None

        return jax.lax.scan(another, scores, None, length=ROUNDS)[0]

    return rate(chunk, scores, CHUNKS * ROUNDS)


def drawn_boxes() -> tuple[np.ndarray, np.ndarray]:
    """Boxes of 20 to 100 pixels on a picture of 640, and their scores."""
    rng = np.random.default_rng(0)
    corner, size = rng.uniform(0, 540, (BOXES, 2)), rng.uniform(20, 100, (BOXES, 2))
    return np.concatenate([corner, corner + size], axis=1).astype(np.float32), rng.random(BOXES, np.float32)


if __name__ == "__main__":
    main({"unet": unet, "yolo": yolo, "deep-dream": deep_dream, "suppression": suppression}, lambda work: work())
