"""Steps on molecules and on meshes, for ``lectern bench shapes``: ``python -m experiments.bench.structures WORK FILE``.

FILE.npz is written first: parameters, batches, draws, and the loss of the first batch with these draws. The peers
``molecules_torch.py`` and ``meshes_torch.py`` begin with it and refuse another loss. Prints one JSON line with
``examples_per_second`` and ``megabytes``, the memory at its highest above that once FILE is written.
"""

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax.traverse_util import flatten_dict
from jaxtyping import Array, Float

from experiments.bench.convolution import CHUNKS, peak_megabytes, rate
from experiments.datasets.meshes.settings import MeshData
from experiments.datasets.settings import MoleculeData
from experiments.networks.molecules import MoleculeNetwork
from experiments.networks.training import without_noise
from experiments.objectives.metric_preservation import Anatomy, MetricPriors, shape_loss, with_geodesics
from experiments.objectives.molecules import molecule_loss
from models.mesh_vae import MeshVAE
from models.vae import Gaussian, sample_gaussian
from train.task import Draw, LossFn, Params, supervised

LEARNING_RATE = 1e-3
MOLECULE_BETA, MESH_BETA = 0.02, 1e-3
STYLE, LATENT, WIDTHS = 5, 8, (256, 128)
"""Of the meshes: dimensions of the latent that are the style, all of them, and hidden units."""


class Work(NamedTuple):
    """What is trained: its loss, its first parameters, batches [steps, batch, …], and constants that a peer needs."""

    loss_fn: LossFn
    init: Callable[[Array], Params]
    batches: dict[str, np.ndarray]
    latent: int
    constants: dict[str, np.ndarray] = {}

    @property
    def steps_and_batch(self) -> tuple[int, int]:
        """Of a chunk."""
        return next(iter(self.batches.values())).shape[:2]


def chunk_of(examples: dict[str, np.ndarray], steps: int, batch: int) -> dict[str, np.ndarray]:
    """Batches of examples, drawn without repetition."""
    chosen = np.random.default_rng(0).permutation(len(next(iter(examples.values()))))[: steps * batch]
    return {name: array[chosen].reshape(steps, batch, *array.shape[1:]) for name, array in examples.items()}


def molecules(steps: int = 50, batch: int = 64) -> Work:
    """The network and the molecules of ``molecule_autoencoder``: 5 atoms, 48 features, 3 convolutions either way."""
    dataset = MoleculeData().load()
    model, train = MoleculeNetwork().build(dataset), dataset.whole("train")
    scale = tuple(jnp.asarray(each(train["property"], axis=0)) for each in (np.mean, np.std))
    loss_fn = molecule_loss(
        without_noise(model.apply), kinds=model.kinds, beta=MOLECULE_BETA, property_weight=1.0, scale=scale
    )
    batches = chunk_of(train, steps, batch)
    init = partial(model.init, atoms=jnp.asarray(batches["atoms"][0]), bonds=jnp.asarray(batches["bonds"][0]))
    constants = {"mean": np.asarray(scale[0]), "deviation": np.asarray(scale[1])}
    return Work(loss_fn, init, batches, model.latent, constants)


def limp(steps: int = 10, batch: int = 16) -> Work:
    """The network, the priors and the generated figures of ``limp``: 112 vertices, 8 landmarks."""
    dataset = with_geodesics(MeshData(examples=steps * batch).load())
    anatomy = Anatomy(**{name: jnp.asarray(array) for name, array in dataset.context.items()}, style=STYLE)
    model = MeshVAE(len(anatomy.mean), LATENT, WIDTHS)
    loss_fn = shape_loss(model, anatomy, beta=MESH_BETA, priors=MetricPriors(exchange=0.0))
    read = {name: dataset.whole("train")[name] for name in ("vertices", "posed", "other", "geodesics")}
    return Work(
        loss_fn, lambda key: model.init(key, anatomy.mean), chunk_of(read, steps, batch), LATENT, dataset.context
    )


WORKS: dict[str, Callable[[], Work]] = {"molecules": molecules, "limp": limp}


def handed_over(work: Work, draws: tuple[int, ...]) -> dict[str, np.ndarray]:
    """What a peer begins with; ``draws`` is the shape of an example's noise."""
    batch = work.steps_and_batch[1]
    params, keys = jax.jit(work.init)(jax.random.key(0)), jax.random.split(jax.random.key(1), batch)
    first = {name: array[0] for name, array in work.batches.items()}
    standard = Gaussian(jnp.zeros(draws), jnp.zeros(draws))

    @jax.jit
    def drawn(params: Params, first: dict[str, Array]) -> dict[str, Float[Array, "..."]]:
        sample, observe = (
            jax.vmap(partial(jax.random.fold_in, data=draw))(keys) for draw in (Draw.SAMPLE, Draw.OBSERVE)
        )
        noise = jax.vmap(sample_gaussian, in_axes=(0, None))(sample, standard)
        return {
            "noise": noise,
            "places": jax.vmap(jax.random.uniform)(observe),
            "loss": work.loss_fn(params, first, keys)[0].mean(),
        }

    named = {"/".join(path): leaf for path, leaf in flatten_dict(params["params"]).items()}
    return (
        {f"params/{name}": leaf for name, leaf in named.items()}
        | {f"batches/{name}": array for name, array in work.batches.items()}
        | {f"constants/{name}": array for name, array in work.constants.items()}
        | drawn(params, first)
    )


def measure(work: Work) -> float:
    """Examples per second of steps inside a scan, compilation and a first chunk excluded."""
    task = supervised(work.loss_fn, work.init, optax.adam(LEARNING_RATE))
    batches = jax.device_put(work.batches)
    chunk = jax.jit(lambda state, batches: jax.lax.scan(task.step, state, batches)[0], donate_argnums=0)
    steps, batch = work.steps_and_batch
    return rate(partial(chunk, batches=batches), jax.jit(task.init)(jax.random.key(0)), CHUNKS * steps * batch)


def main(name: str, file: Path) -> None:
    """Write what the peers begin with, measure, and print it."""
    work = WORKS[name]()
    np.savez(file, **handed_over(work, (3, work.latent) if name == "limp" else (work.latent,)))
    before = peak_megabytes()
    examples_per_second = measure(work)
    print(json.dumps({"examples_per_second": examples_per_second, "megabytes": peak_megabytes() - before}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
