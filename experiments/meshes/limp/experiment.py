"""LIMP: a latent space of deformable shapes in which distances are kept, beside a plain variational autoencoder."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Ge
from jaxtyping import Array, Float, Key

from experiments.datasets import Dataset
from experiments.datasets.meshes.extra import of_the_extra
from experiments.datasets.meshes.settings import MeshData
from experiments.evaluations.metric_distortion import geodesics_of_many, way_distortion
from experiments.meshes.limp.card import CARD
from experiments.meshes.limp.figures import distortion_curves, interpolation_strips, swap_strips
from experiments.objectives.metric_preservation import (
    ROLES,
    Anatomy,
    MetricPriors,
    decoded,
    encoded,
    shape_loss,
    with_geodesics,
)
from experiments.run.experiment import Experiment
from experiments.run.sampling import Example, SampleOptions, Sampler
from experiments.run.settings import Count, Flat, LoopSettings, OfEvaluation, Settings
from losses.metric_preservation import interpolated
from models.mesh_vae import MeshVAE
from train.evaluation import WholeSet
from train.optimizers import Optimization, make_optimizer
from train.players import Learner, side_by_side
from train.task import LossFn, Params, Task

MODELS = ("plain", "limp")
MEASURES = ("distortion", "pose_distortion")
BETWEEN = np.array([0.25, 0.5, 0.75], np.float32)
"""Places between two shapes at which distances are measured."""
SHOWN = 7
"""Shapes of a strip."""
COMPARED = 16
"""Pairs of test shapes of which the curve is the mean."""


@dataclass(frozen=True, kw_only=True)
class LIMPSettings(Settings):
    """A variational autoencoder of shapes with priors of metric preservation, and one without."""

    loop: Flat[LoopSettings] = LoopSettings(steps=1000, batch_size=16, chunk=50, evaluate_every=200, save_every=500)
    meshes: Flat[MeshData] = MeshData()
    priors: Flat[MetricPriors] = MetricPriors()
    optimization: Flat[Optimization] = Optimization(
        learning_rate=3e-3, schedule="cosine", warmup_steps=50, clip_norm=1.0
    )
    style: Count = 5
    """dimensions of the latent that are the style"""
    pose: Count = 3
    """dimensions of the latent that are the pose"""
    widths: tuple[Count, ...] = (256, 128)
    """hidden units of the encoder, and in reverse order of the decoder"""
    beta: Annotated[float, Ge(0)] = 1e-3
    """weight of the divergence from the prior, in parts of the data's variance per nat"""
    measured: Annotated[int, Ge(0), OfEvaluation] = 32
    """test pairs between which exact geodesics are measured, or all where there are fewer; 0 does without pygeodesic"""


def data(settings: LIMPSettings) -> Dataset:
    """Meshes with what is asked of their distances; ``DataError`` in one line where exact ones cannot be had."""
    if settings.measured:
        of_the_extra("pygeodesic.geodesic", "an exact geodesic distance (--measured 0 does without)")
    return with_geodesics(settings.meshes.load())


def network(settings: LIMPSettings, dataset: Dataset) -> MeshVAE:
    """That of either model."""
    return MeshVAE(dataset.context["mean"].shape[0], settings.style + settings.pose, settings.widths)


def anatomy(settings: LIMPSettings, context: dict[str, Array]) -> Anatomy:
    """What all meshes share."""
    return Anatomy(**{name: jnp.asarray(array) for name, array in context.items()}, style=settings.style)


def task(settings: LIMPSettings, dataset: Dataset) -> Task:
    """The two side by side, equal in all but the priors."""
    net, shared = network(settings, dataset), anatomy(settings, dataset.context)
    optimizer = make_optimizer(settings.optimization, settings.loop.steps)

    def learner(priors: MetricPriors | None) -> Learner:
        loss_fn = shape_loss(net, shared, beta=settings.beta, priors=priors)
        return Learner(loss_fn, lambda key: net.init(key, jnp.zeros((1, *shared.mean.shape))), optimizer)

    return side_by_side({"plain": learner(None), "limp": learner(settings.priors)})


def monitor(settings: LIMPSettings, dataset: Dataset) -> LossFn:
    """How far held-out shapes are from what the mean of their posterior is decoded to, and the mean of the two."""
    net, shared = network(settings, dataset), anatomy(settings, dataset.context)

    def loss_fn(params, batch, keys):
        seen = shared.deviations(batch["vertices"])
        errors = {
            f"{name}/error": 100 * jnp.sqrt(jnp.mean((net.apply(params[name], seen) - seen) ** 2, axis=(1, 2)))
            for name in MODELS
        }
        return sum(errors.values()) / len(errors), errors

    return loss_fn


def paths(
    net: MeshVAE, shared: Anatomy, params: Params, meshes: dict[str, Array], places: Array, *, pose_alone: bool
) -> dict[str, Float[Array, "pairs places vertices 3"]]:
    """Decoded shapes between "vertices" and "other", and vertices on straight lines; or where the pose alone moves.

    Straight lines then lead to "posed", which is the same body in another pose.
    """
    first, end = meshes["vertices"], meshes["posed" if pose_alone else "other"]
    between = jax.vmap(jax.vmap(interpolated, in_axes=(None, None, 0)), in_axes=(0, 0, None))
    ways = {"straight": between(first, end, places)}
    for name in MODELS:
        start, last = (encoded(net, shared, params[name], meshes[role]) for role in ("vertices", "other"))
        ways[name] = decoded(
            net, shared, params[name], between(start, shared.joined(start, last) if pose_alone else last, places)
        )
    return ways


def all_paths(
    settings: LIMPSettings, dataset: Dataset, params: Params, meshes: dict[str, Array], places: Array
) -> dict[str, dict[str, Array]]:
    """By measure and model the ways between shapes, and those on which the pose alone moves."""
    net, shared = network(settings, dataset), anatomy(settings, dataset.context)
    return {
        measure: paths(net, shared, params, meshes, places, pose_alone=measure == "pose_distortion")
        for measure in MEASURES
    }


def distortions(
    ways: dict[str, dict[str, np.ndarray]], meshes: dict[str, np.ndarray], places: np.ndarray, context: dict
) -> dict[str, Float[np.ndarray, "pairs places"]]:
    """By model the distortion of geodesics in %: from those between the two shapes, and, where the pose alone moves,
    from the first's.
    """
    surface = context["faces"], context["landmarks"]
    first, other = (geodesics_of_many(meshes[role], *surface) for role in ("vertices", "other"))
    ends = {"distortion": other, "pose_distortion": first}
    return {
        f"{name}/{measure}": way_distortion(way, first, ends[measure], places, *surface)
        for measure, of_models in ways.items()
        for name, way in of_models.items()
    }


def swapped(
    net: MeshVAE, shared: Anatomy, params: Params, style: Array, pose: Array
) -> Float[Array, "pairs vertices 3"]:
    """Shapes with the style of one mesh and the pose of another."""
    return decoded(
        net, shared, params, shared.joined(*(encoded(net, shared, params, meshes) for meshes in (style, pose)))
    )


def evaluate_whole(settings: LIMPSettings, dataset: Dataset) -> WholeSet:
    """Distortion of geodesics between test shapes; of generated ones also how well style and pose are exchanged."""
    net, shared = network(settings, dataset), anatomy(settings, dataset.context)
    test, surface = dataset.whole("test"), dataset.context
    meshes = {role: test[role] for role in ROLES}
    some = {role: array[: settings.measured] for role, array in meshes.items()}

    def measure(params, data, key):
        meshes, some = data
        found = {}
        for name in MODELS if "style" in test else ():
            made = swapped(net, shared, params[name], meshes["vertices"], meshes["other"])
            squares = jnp.mean((made - meshes["posed"]) ** 2, axis=(1, 2))
            found[f"{name}/swap"] = 100 * jnp.mean(jnp.sqrt(squares)) / shared.scale
        return all_paths(settings, dataset, params, some, BETWEEN) if settings.measured else {}, found

    def conclude(measured):
        ways, found = measured
        distorted = distortions(ways, some, BETWEEN, surface) if ways else {}
        return found | {name: np.array(values.mean(), np.float32) for name, values in distorted.items()}

    return WholeSet((meshes, some), measure, conclude)


def figures(settings: LIMPSettings, dataset: Dataset, params: Params) -> dict:
    """Strips between two test shapes and of exchanged styles, and the distortion along the way where it is measured."""
    net, shared = network(settings, dataset), anatomy(settings, dataset.context)
    places = np.linspace(0, 1, SHOWN, dtype=np.float32)
    shown = {role: array for role, array in dataset.head("test", COMPARED).items() if role in ROLES}

    @jax.jit
    def seen(params: Params, meshes: dict[str, Array]) -> tuple[dict, dict]:
        exchanged = {name: swapped(net, shared, params[name], meshes["vertices"], meshes["other"]) for name in MODELS}
        return all_paths(settings, dataset, params, meshes, places), exchanged

    ways, exchanged = jax.device_get(seen(params, shown))
    faces = dataset.context["faces"]
    between, posed = ({name: way[0] for name, way in ways[measure].items()} for measure in MEASURES)
    truth = shown["posed"] if "style" in dataset.head("test", 1) else None
    drawn = {
        "interpolation": interpolation_strips(between, faces),
        "pose": interpolation_strips(posed, faces, title="one body between two poses"),
        "swap": swap_strips(shown["vertices"], shown["other"], exchanged, truth, faces),
    }
    if settings.measured:
        along = distortions(ways, shown, places, dataset.context)
        drawn["distortion"] = distortion_curves(places, {name: values.mean(axis=0) for name, values in along.items()})
    return drawn


def draw(settings: LIMPSettings, dataset: Dataset, options: SampleOptions, params: Params) -> Callable:
    """A shape of a latent from the prior, by LIMP's decoder."""
    net, shared = network(settings, dataset), anatomy(settings, dataset.context)

    def from_prior(key: Key[Array, ""]) -> Example:
        latent = jax.random.normal(key, (settings.style + settings.pose,))
        return {"vertices": decoded(net, shared, params["limp"], latent)}

    return from_prior


EXPERIMENT = Experiment(
    card=CARD,
    settings=LIMPSettings,
    data=data,
    task=task,
    monitor=monitor,
    evaluate_whole=evaluate_whole,
    figures=figures,
    monitored="loss",
    units=dict.fromkeys(("loss", "error", "distortion", "pose_distortion", "swap"), "%"),
    sampler=Sampler(draw=draw),
)
