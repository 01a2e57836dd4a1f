"""Style transfer: a picture is painted until a network sees one picture's content and another's style in it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from annotated_types import Ge, Gt
from jaxtyping import Array, Float, Key

from experiments.datasets import Dataset
from experiments.datasets.dataset import SPLITS
from experiments.datasets.hashing import fingerprint
from experiments.datasets.images.photographs import photograph
from experiments.networks.perceptual import PerceptualNetwork
from experiments.objectives.perceptual import PerceptualErrors, PerceptualObjective, Seer
from experiments.run.experiment import Experiment
from experiments.run.settings import Flat, LoopSettings, Settings
from experiments.vision.style_transfer.card import CARD
from experiments.vision.style_transfer.figures import Made, painted_pictures, trade_off
from models.layers.random_arrays import normal
from train.optimizers import Optimization, make_optimizer
from train.regularization import projected
from train.task import LossFn, Params, Task, supervised

DEVIATION = 0.25
"""Of the noise about a middle grey that a picture begins with."""


class Painting(NamedTuple):
    """How one of the pictures is made."""

    start: Literal["noise", "content"]
    power: int
    """of the contrast by which the style's weight is multiplied"""


PAINTED = {
    "noise": Painting("noise", 0),
    "less_style": Painting("noise", -1),
    "more_style": Painting("noise", 1),
    "content": Painting("content", 0),
}
"""By name: from noise, the same with a smaller and with a larger weight of the style, and from the content picture."""


@dataclass(frozen=True, kw_only=True)
class StyleTransferSettings(Settings):
    """Pictures that are painted side by side."""

    loop: Flat[LoopSettings] = LoopSettings(steps=400, batch_size=1, chunk=20, evaluate_every=20)
    network: Flat[PerceptualNetwork] = PerceptualNetwork()
    objective: Flat[PerceptualObjective] = PerceptualObjective(style_weight=4e5, variation_weight=2.0)
    optimization: Flat[Optimization] = Optimization(learning_rate=0.05, schedule="cosine")
    content: Path | None = None
    """a PNG or JPEG whose content is painted; without one scikit-learn's photograph of a temple"""
    style: Path | None = None
    """a PNG or JPEG in whose style it is painted; without one scikit-learn's photograph of a flower"""
    size: Annotated[int, Ge(0)] = 96
    """pixels of the longer side to which larger pictures are made smaller; 0: every size as it is"""
    painted: tuple[Literal[*PAINTED], ...] = tuple(PAINTED)
    """which pictures: from noise, with less and with more of the style, and from the content picture"""
    contrast: Annotated[float, Gt(1)] = 20.0
    """how many times less and more the style weighs in those with less and more of it"""

    def __post_init__(self):
        super().__post_init__()
        if self.loop.batch_size != 1:
            raise ValueError(f"--batch-size {self.loop.batch_size}: there is one content picture, so it must be 1")
        if not self.painted or len(set(self.painted)) < len(self.painted):
            raise ValueError(
                f"--painted must name at least one, and none twice, got {' '.join(self.painted) or 'none'}"
            )
        weights = self.objective.content_weight, self.objective.style_weight, self.objective.variation_weight
        if not any(weights):
            raise ValueError("--content-weight, --style-weight or --variation-weight must be more than 0")
        self.network.check(self.objective.layers)

    def idle(self) -> dict[str, str]:
        """The contrast, where no picture has it."""
        alike = all(PAINTED[name].power == 0 for name in self.painted)
        return super().idle() | ({"contrast": "without less_style and more_style of --painted"} if alike else {})

    @property
    def style_weights(self) -> Float[np.ndarray, " painted"]:
        """Of each picture that is painted."""
        powers = np.array([PAINTED[name].power for name in self.painted])
        return np.asarray(self.objective.style_weight * self.contrast**powers, np.float32)


def seer(settings: StyleTransferSettings) -> Seer:
    """What sees the pictures."""
    return Seer(settings.network, settings.objective)


def data(settings: StyleTransferSettings) -> Dataset:
    """One example, the content as its image and the style beside it, in every split; what the network sees of both, and
    its weights, are the context.
    """
    content, content_words = photograph("china", settings.content and settings.content.expanduser(), side=settings.size)
    style, style_words = photograph("flower", settings.style and settings.style.expanduser(), side=settings.size)
    layers = settings.objective.layers
    for words, picture in ((content_words, content), (style_words, style)):
        settings.network.check_size(layers, words, picture.shape[:2])
    weights, see = settings.network.params(layers), seer(settings)
    context = {
        "weights": weights,
        "content": jax.jit(see.content)(weights, content[None]),
        "style": jax.jit(see.style)(weights, style),
    }
    splits = {split: {"image": content[None], "style": style[None]} for split in SPLITS}
    return Dataset(
        "two pictures",
        f"{content_words}, in the style of {style_words}; in every split",
        fingerprint(splits, {"weights": weights} if settings.network.weights else ()),
        splits,
        context=jax.device_get(context),
    )


def errors_of(
    settings: StyleTransferSettings, dataset: Dataset, pictures: Float[Array, "painted height width 3"]
) -> PerceptualErrors:
    """How far each picture is from content and style."""
    given = jax.tree.map(jnp.asarray, dataset.context)
    content = {layer: jnp.repeat(maps, len(pictures), axis=0) for layer, maps in given["content"].items()}
    return seer(settings).errors(given["weights"], pictures, content, given["style"])


def painted(settings: StyleTransferSettings, params: Params) -> Float[Array, "painted height width 3"]:
    """The pictures of one seed, in their order."""
    return jnp.stack([params["params"][name] for name in settings.painted])


def loss_of(settings: StyleTransferSettings, dataset: Dataset) -> LossFn:
    """The mean loss of the pictures, none of which has a gradient from another, and of each its errors."""

    def loss_fn(params, batch, keys):
        errors = errors_of(settings, dataset, painted(settings, params))
        losses = settings.objective.loss(errors, settings.style_weights)
        first = jnp.stack([params["first"][name] for name in settings.painted])
        tables = {"loss": losses, **errors._asdict(), "fall": first / losses}
        measured = {f"{name}/{what}": of[i] for what, of in tables.items() for i, name in enumerate(settings.painted)}
        alike = jnp.ones(len(batch["image"]), losses.dtype)
        return losses.mean() * alike, {name: value * alike for name, value in measured.items()}

    return loss_fn


def task(settings: StyleTransferSettings, dataset: Dataset) -> Task:
    """Descent in the pictures' own values, which stay in [0, 1]; the loss of each at first is kept beside it."""
    content = jnp.asarray(dataset.head("train", 1)["image"][0])

    def first_picture(name: str, key: Key[Array, ""]) -> Float[Array, "height width 3"]:
        noise = jnp.clip(0.5 + DEVIATION * normal(key, content.shape), 0, 1)
        return content if PAINTED[name].start == "content" else noise

    def init_params(key: Key[Array, ""]) -> Params:
        keys = jax.random.split(key, len(PAINTED))
        pictures = {name: first_picture(name, keys[list(PAINTED).index(name)]) for name in settings.painted}
        errors = errors_of(settings, dataset, jnp.stack(list(pictures.values())))
        losses = settings.objective.loss(errors, settings.style_weights)
        return {"params": pictures, "first": dict(zip(settings.painted, losses, strict=True))}

    within = projected(lambda pictures: jax.tree.map(lambda picture: jnp.clip(picture, 0, 1), pictures))
    optimizer = optax.chain(make_optimizer(settings.optimization, settings.loop.steps), within)
    return supervised(loss_of(settings, dataset), init_params, optimizer)


def figures(settings: StyleTransferSettings, dataset: Dataset, params: Params) -> dict:
    """The pictures beside content and style, and the errors of each."""
    given = dataset.head("test", 1)
    pictures = jax.device_get(painted(settings, params))
    errors = jax.device_get(jax.jit(lambda pictures: errors_of(settings, dataset, pictures))(pictures))
    made = [
        Made(PAINTED[name].start, float(weight), *of)
        for name, weight, *of in zip(
            settings.painted, settings.style_weights, pictures, errors.content, errors.style, strict=True
        )
    ]
    made.sort(key=lambda picture: (picture.start != "content", picture.style_weight))
    return {"pictures": painted_pictures(given["image"][0], given["style"][0], made), "trade_off": trade_off(made)}


EXPERIMENT = Experiment(
    card=CARD,
    settings=StyleTransferSettings,
    data=data,
    task=task,
    monitor=loss_of,
    figures=figures,
    monitored="loss",
    units={"loss": ""}
    | {f"{name}/{what}": "" for name in PAINTED for what in ("loss", "content", "style", "variation")}
    | {f"{name}/fall": "times" for name in PAINTED},
)
