"""Deep dream and content enhancing: what a trained net sees in a picture, put into it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Ge, Le
from jaxtyping import Array, Float

from experiments.datasets import Dataset
from experiments.datasets.dataset import SPLITS
from experiments.datasets.generated import generated
from experiments.datasets.images.photographs import Photograph, photograph
from experiments.errors import WrongInput
from experiments.evaluations.classifier_choice import SHIPPED
from experiments.networks.digit_classifier.classifier import Classifier
from experiments.run.experiment import Experiment
from experiments.run.settings import Flat, LoopSettings, Settings
from experiments.vision.deep_dream.card import CARD
from experiments.vision.deep_dream.dreams import AIMS, Aim, Dreamer, Pictures
from experiments.vision.deep_dream.figures import dreams, octaves
from models.convnets.convolutionalized import of_any_size
from models.feature_maps import feature_maps, feature_shapes
from models.layers.octaves import octave_sizes, resized
from train.evaluation import MetricFn
from train.optimizers import NotNegative, Positive
from train.task import LossFn, Params, Task


@dataclass(frozen=True, kw_only=True)
class DeepDreamSettings(Settings):
    """Dreams of a trained net."""

    loop: Flat[LoopSettings] = LoopSettings(steps=200, batch_size=1, chunk=20, evaluate_every=20, save_every=100)
    net: Literal[*SHIPPED] = "patches"
    """a net that comes with the package: of patches of photographs in colour, or LeNet-5 of the digits"""
    classifier: Path | None = None
    """a run folder of a classifier in its place, as of `convnet` or `architectures`"""
    picture: Photograph = "china"
    """a photograph that comes with scikit-learn: a temple, or a flower"""
    file: Path | None = None
    """a PNG or JPEG of your own in its place"""
    side: Annotated[int, Ge(0)] = 192
    """pixels of the longer side of pictures that are larger; 0: as they are"""
    neuron_layer: str = ""
    """the layer of the neuron that is dreamt of, by name as fc4; without one the last"""
    channel: Annotated[int, Ge(0)] = 7
    """which of that layer's filters; of a last layer the class, as 7 is the top of the flower, or the digit"""
    layer: str = ""
    """the layer whose content is enhanced, by name; without one that in the middle of the net"""
    octaves: Annotated[int, Ge(1), Le(9)] = 4
    """sizes of the picture, small to large, that have an equal share of the steps"""
    octave_scale: Annotated[float, Ge(1)] = 1.4
    """how much larger each is than the one before"""
    jitter: Annotated[int, Ge(0), Le(1000)] = 4
    """pixels that the picture is moved by at most, anew in each step"""
    blur: Annotated[NotNegative, Le(100)] = 0.5
    """deviation in pixels of the Gaussian that each step is smoothed by"""
    step_size: Positive = 0.003
    """how far a value moves in a step on average, where white is 1"""

    def idle(self) -> dict[str, str]:
        """There is one picture."""
        of_one = {"octave_scale": "with --octaves 1"} if self.octaves == 1 else {}
        shipped = {"picture": "with --file"} if self.file else {}
        shipped |= {"net": "with --classifier"} if self.classifier else {}
        return super().idle() | of_one | shipped | {"batch_size": "as there is one picture"}


def data(settings: DeepDreamSettings) -> Dataset:
    """The picture, as every split; ``WrongInput`` where the net cannot see all its octaves."""
    picture, words = photograph(settings.picture, settings.file, side=settings.side)
    check(settings, picture.shape[:2])
    splits = {split: {"image": picture[None]} for split in SPLITS}
    return generated(words, f"one picture: {words}", splits)


def classifier_of(settings: DeepDreamSettings) -> Classifier:
    """The net that dreams."""
    from experiments.run.saved_run import SavedRun

    return SavedRun(settings.classifier).classifier() if settings.classifier else SHIPPED[settings.net]()


def aims_of(settings: DeepDreamSettings, classifier: Classifier) -> dict[str, Aim]:
    """What is dreamt of; ``WrongInput`` where the net has no such layer or filter."""
    if classifier.network is None:
        raise WrongInput(f"{settings.classifier} has several nets: give a run of one with --classifier WORKDIR")
    shapes = feature_shapes(classifier.network, classifier.params, classifier.image_shape)
    names = [name for name in shapes if "/" not in name]
    neuron_layer, layer = settings.neuron_layer or names[-1], settings.layer or names[(len(names) - 1) // 2]
    for flag, name in (("--neuron-layer", neuron_layer), ("--layer", layer)):
        if name not in shapes:
            raise WrongInput(f"{flag}: the net has no layer {name}; it has {', '.join(shapes)}")
    if settings.channel >= (count := shapes[neuron_layer][-1]):
        raise WrongInput(f"--channel {settings.channel}: {neuron_layer} has filters 0 to {count - 1}")
    return dict(zip(AIMS, (Aim(neuron_layer, settings.channel), Aim(layer, None)), strict=True))


def dreamer(settings: DeepDreamSettings) -> Dreamer:
    """The net as deep as it is needed, and how it dreams."""
    classifier = classifier_of(settings)
    aims = aims_of(settings, classifier)
    order = list(feature_shapes(classifier.network, classifier.params, classifier.image_shape))
    deepest = max((aim.layer for aim in aims.values()), key=order.index)
    return Dreamer(
        network=of_any_size(classifier.network, classifier.image_shape, last=deepest),
        params=classifier.params,
        channels=classifier.image_shape[-1],
        aims=aims,
        octaves=settings.octaves,
        octave_scale=settings.octave_scale,
        jitter=settings.jitter,
        blur=settings.blur,
        step_size=settings.step_size,
    )


def check(settings: DeepDreamSettings, size: tuple[int, int]) -> None:
    """``WrongInput`` where an octave is too small for the layers that are looked at."""
    own = dreamer(settings)
    try:
        smallest = octave_sizes(size, octaves=settings.octaves, scale=settings.octave_scale)[0]
        picture = jax.ShapeDtypeStruct((1, *smallest, own.channels), jnp.float32)
        shown = jax.eval_shape(lambda images: feature_maps(own.network, own.params, images), picture)
    except (ValueError, TypeError) as error:
        raise WrongInput(
            f"--octaves {settings.octaves} of a picture of {size[0]}×{size[1]}: {error}; take fewer octaves or "
            "a larger picture"
        ) from error
    if empty := [str(aim) for aim in own.aims.values() if 0 in shown[aim.layer].shape]:
        raise WrongInput(
            f"--octaves {settings.octaves}: the smallest picture, {smallest[0]}×{smallest[1]}, leaves nothing for "
            f"{empty[0]}: take fewer octaves, a larger --side or an earlier layer"
        )


def task(settings: DeepDreamSettings, dataset: Dataset) -> Task:
    """Ascent in the picture; the batch, which is the picture, is not looked at."""
    picture = jax.device_put(dataset.whole("train")["image"][0])
    return dreamer(settings).task(picture, settings.loop.steps)


def monitor(settings: DeepDreamSettings, dataset: Dataset) -> LossFn:
    """How active neuron and layer are by the picture in its full size, and its distance from the one it was; the loss
    is minus the sum of both activations.
    """
    own = dreamer(settings)

    def loss_fn(params, batch, keys):
        pictures = batch["image"]
        shown = {name: at_the_end(own, params[name], pictures) for name in own.aims}
        metrics = {f"{name}/activation": each for name, each in own.activations(shown).items()}
        loss = -sum(metrics.values())
        squares = {name: jnp.mean((each - pictures) ** 2, axis=(1, 2, 3)) for name, each in shown.items()}
        return loss, metrics | {f"{name}/change": jnp.sqrt(each) for name, each in squares.items()}

    return loss_fn


def at_the_end(own: Dreamer, added: Params, pictures: Pictures) -> Pictures:
    """Pictures in their full size with all that was added."""
    return jax.vmap(lambda picture: own.stages(added, picture)[-1])(pictures)


def evaluate(settings: DeepDreamSettings, dataset: Dataset) -> MetricFn:
    """The same, the activations by the picture as it was, and at how many places the neuron is the most active of its
    layer, before and after.
    """
    own, loss_fn = dreamer(settings), monitor(settings, dataset)
    neuron = own.aims["neuron"]

    def largest(pictures: Pictures) -> Float[Array, " batch"]:
        features = own.maps(pictures)[neuron.layer]
        return 100 * jnp.mean((features.argmax(axis=-1) == neuron.channel).astype(pictures.dtype), axis=(1, 2))

    def metric_fn(params, batch, keys):
        losses, metrics = loss_fn(params, batch, keys)
        before = own.activations(dict.fromkeys(own.aims, batch["image"]))
        after = at_the_end(own, params["neuron"], batch["image"])
        metrics |= {f"{name}/before": each for name, each in before.items()}
        metrics |= {"neuron/places": largest(after), "neuron/places_before": largest(batch["image"])}
        return {"loss": losses, **metrics}

    return metric_fn


def figures(settings: DeepDreamSettings, dataset: Dataset, params: Params) -> dict:
    """The picture and both dreams, after every octave and at the end."""
    own, picture = dreamer(settings), jax.device_put(dataset.whole("test")["image"][0])

    @jax.jit
    def dreamt(params: Params, picture: Array) -> dict[str, list[Array]]:
        stages = {name: own.stages(params[name], picture) for name in own.aims}
        return jax.tree.map(lambda stage: resized(stage, size=picture.shape[:2]), stages)

    stages: Mapping[str, Sequence[np.ndarray]] = jax.device_get(dreamt(params, picture))
    named = {f"{name}: {own.aims[name]}": stages[name] for name in own.aims}
    return {"octaves": octaves(np.asarray(picture), named), "dreams": dreams(np.asarray(picture), named)}


EXPERIMENT = Experiment(
    card=CARD,
    settings=DeepDreamSettings,
    data=data,
    task=task,
    monitor=monitor,
    evaluate=evaluate,
    figures=figures,
    monitored="loss",
    units={"loss": "", "neuron/places": "%", "neuron/places_before": "%"}
    | {f"{name}/{what}": "" for name in AIMS for what in ("activation", "before")}
    | {f"{name}/change": "RMSE per value" for name in AIMS},
)
