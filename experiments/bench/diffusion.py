"""A diffusion of 8 × 8 images, for ``lectern bench generative``: ``python -m experiments.bench.diffusion WORK``.

The network and the settings of ``diffusion_digits``. Prints one JSON line with ``examples_per_second`` and
``megabytes``, the memory at its highest above that after imports. ``peers/diffusion_torch.py`` does the same work.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array

from experiments.bench.convolution import CHUNKS, main, rate
from experiments.networks.diffusion import Diffusion, GuidedSampling
from experiments.networks.training import without_noise
from experiments.objectives.diffusion import diffusion_loss, drawn, guided
from models.denoisers import UNetDenoiser
from train.task import Params, supervised

CLASSES, BATCH, SHAPE, STEPS = 10, 64, (8, 8, 1), 50
PROCESS, SAMPLING = Diffusion(), GuidedSampling(guidance=0.0)
MODEL = UNetDenoiser((16, 32), 1, CLASSES)


def init_params(key: Array) -> Params:
    """The network's."""
    return MODEL.init(key, jnp.zeros((1, *SHAPE)), jnp.full(1, 0.5), jnp.zeros(1, jnp.int32))


def training() -> float:
    """Images per second of steps inside a scan."""
    loss_fn = diffusion_loss(
        without_noise(MODEL.apply), PROCESS, lambda batch: 2 * batch["image"] - 1, classes=CLASSES, unlabelled=0.1
    )
    task, rng = supervised(loss_fn, init_params, optax.adam(2e-3)), np.random.default_rng(0)
    images, labels = rng.random((STEPS, BATCH, *SHAPE), np.float32), rng.integers(CLASSES, size=(STEPS, BATCH))
    batches = jax.device_put({"image": images, "label": labels.astype(np.int32)})
    chunk = jax.jit(lambda state, batches: jax.lax.scan(task.step, state, batches)[0], donate_argnums=0)
    return rate(partial(chunk, batches=batches), jax.jit(task.init)(jax.random.key(0)), CHUNKS * STEPS * BATCH)


def sampling() -> float:
    """Images per second of DDIM in 50 steps, 64 at a time."""
    params, labels = jax.jit(init_params)(jax.random.key(0)), jnp.arange(BATCH, dtype=jnp.int32) % CLASSES

    @jax.jit
    def chunk(params: Params, before: tuple[Array, Array]) -> tuple[Array, Array]:
        following, drawing = jax.random.split(before[0])

        def one(key: Array, label: Array) -> Array:
            said = guided(MODEL.apply, params, label[None], classes=CLASSES, guidance=0.0)
            return drawn(key, said, SHAPE, PROCESS, SAMPLING, bound=1.0)[0]

        return following, jax.vmap(one)(jax.random.split(drawing, BATCH), labels)

    return rate(partial(chunk, params), (jax.random.key(1), jnp.zeros((BATCH, *SHAPE))), CHUNKS * BATCH)


if __name__ == "__main__":
    main({"unet": training, "ddim": sampling}, lambda work: work())
