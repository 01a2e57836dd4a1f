"""Principal component analysis: the closed form that a linear autoencoder is held against."""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from experiments.autoencoders.pca.card import CARD
from experiments.autoencoders.pca.figures import compare_lines
from experiments.datasets import Dataset
from experiments.datasets.settings import GreyImageData
from experiments.numerals import counted
from experiments.objectives.reconstruction import squared_error
from experiments.plots.images import image_grid, image_rows
from experiments.run.experiment import Experiment
from experiments.run.sampling import SampleOptions, Sampler
from experiments.run.settings import Count, Flat, LoopSettings, Settings
from losses.metrics.image_quality import peak_signal_to_noise
from models.pca import PCA, fit_pca, project, reconstruct, sample_code
from train.evaluation import MetricFn, WholeSet
from train.feed import size_of
from train.task import LossFn, Params, State, Stream, Task, initial_state, stream_key

Images = Float[Array, "batch height width channels"]


@dataclass(frozen=True, kw_only=True)
class PCASettings(Settings):
    """Principal component analysis."""

    loop: Flat[LoopSettings] = LoopSettings(steps=1, batch_size=1, chunk=1, evaluate_every=1, save_every=1)
    images: Flat[GreyImageData] = GreyImageData()
    components: Count = 8
    """numbers in a code"""

    def idle(self) -> dict[str, str]:
        """What a closed form of the whole training set does not know."""
        return super().idle() | dict.fromkeys(("batch_size", "patience"), "on a closed form of the whole training set")


def data(settings: PCASettings) -> Dataset:
    """The images, the training split as one example that holds all of them."""
    dataset = settings.images.load()
    train = dataset.head("train", 60_000)
    return dataset._replace(splits=dataset.splits | {"train": {name: array[None] for name, array in train.items()}})


def flat(images: Images) -> Float[Array, "batch pixels"]:
    """Images as vectors."""
    return images.reshape(len(images), -1)


def task(settings: PCASettings, dataset: Dataset) -> Task:
    """One step: the eigenvectors of the covariance. Before it, and whatever the seed, all directions are zero."""
    pixels = dataset.head("test", 1)["image"].size
    count = min(settings.components, pixels)

    def init(key) -> State:
        nothing = PCA(jnp.zeros(pixels), jnp.zeros((count, pixels)), jnp.zeros(count))
        return initial_state(key, nothing._asdict(), ())

    def step(state: State, batch):
        pca = fit_pca(flat(batch["image"][0]), components=count)
        return state._replace(step=state.step + 1, params=pca._asdict()), {"variance": jnp.sum(pca.variances)}

    return Task(init, step)


def restored(params: Params, images: Images) -> Images:
    """Images as their codes give them back."""
    pca = PCA(**params)
    return jax.vmap(lambda one: reconstruct(pca, project(pca, one)))(flat(images)).reshape(images.shape)


def monitor(settings: PCASettings, dataset: Dataset) -> LossFn:
    """Squared error of an image's reconstruction; of the training set, one example, the mean of its images'."""

    def loss_fn(params, batch, keys):
        images = batch["image"].reshape(-1, *batch["image"].shape[-3:])
        error = jax.vmap(squared_error)(images, restored(params, images)).reshape(len(batch["image"]), -1).mean(axis=1)
        return error, {"squared_error": error}

    return loss_fn


def evaluate(settings: PCASettings, dataset: Dataset) -> MetricFn:
    """Squared error and signal-to-noise ratio of an image's reconstruction."""

    def metric_fn(params, batch, keys):
        images = batch["image"]
        again = restored(params, images)
        return {
            "squared_error": jax.vmap(squared_error)(images, again),
            "psnr": jax.vmap(peak_signal_to_noise)(images, again),
        }

    return metric_fn


def evaluate_whole(settings: PCASettings, dataset: Dataset) -> WholeSet:
    """The share of the variance that the code does not explain, in %: 100 Σ ‖x − x̂‖² / Σ ‖x − m‖² over all test
    images, with the training images' mean m.
    """
    test = dataset.head("test", size_of(dataset.splits["test"]))["image"]
    mean = dataset.splits["train"]["image"][0].mean(axis=0)

    def measure(params, images, key):
        def errors(image: Array) -> tuple[Array, Array]:
            return squared_error(image, restored(params, image[None])[0]), squared_error(image, images["mean"])

        error, total = jax.lax.map(errors, images["test"], batch_size=250)
        return {"unexplained": 100 * error.sum() / total.sum()}

    return WholeSet({"test": test, "mean": mean}, measure)


def figures(settings: PCASettings, dataset: Dataset, params: Params) -> dict:
    """The components, reconstructions from ever more of them, images made from codes: drawn, and averaged; and
    how the first component of two pixels differs from linear regression.
    """
    train = {name: array[0] for name, array in dataset.splits["train"].items()}
    shape, pca = train["image"].shape[1:], PCA(**params)
    components = min(train["image"][0].size, 100)
    counts = [count for count in sorted({1, 2, 4, 8, 16, 30, settings.components}) if count <= components]

    @jax.jit
    def components_and_rows(images, shown):
        every = fit_pca(flat(images), components=components)
        few = [every._replace(components=every.components[:n], variances=every.variances[:n]) for n in counts]
        grey = every.components / jnp.max(jnp.abs(every.components), axis=1, keepdims=True)
        return grey, [restored(each._asdict(), shown) for each in few]

    @jax.jit
    def samples(pca, keys):
        return jax.vmap(lambda key: reconstruct(pca, sample_code(key, pca)))(keys)

    @jax.jit
    def class_averages(pca, images, labels, classes):
        means = jax.vmap(lambda label: flat(images).mean(axis=0, where=(labels == label)[:, None]))(classes)
        return jax.vmap(lambda mean: reconstruct(pca, project(pca, mean)))(means)

    shown = dataset.head("test", 16)["image"]
    grey, restored_by = jax.device_get(components_and_rows(train["image"], shown))
    names = (counted(count, "component") for count in counts)
    rows = {"original": shown} | dict(zip(names, restored_by, strict=True))
    keys = jax.random.split(stream_key(settings.seeds.seed, Stream.FIGURES), 30)
    drawn = np.asarray(samples(pca, keys)).reshape(-1, *shape)
    pictures = {
        "components": image_grid((0.5 + 0.5 * grey[:60]).reshape(-1, *shape), columns=20, title="components"),
        "reconstructions": image_rows(rows, title="held-out images"),
        "regression": compare_lines(np.asarray(train["image"])),
        "samples": image_grid(drawn, columns=15, title="from codes drawn from a Gaussian"),
    }
    if "label" in train:
        averages = np.asarray(class_averages(pca, train["image"], train["label"], np.unique(train["label"])))
        grid = averages.reshape(-1, *shape)
        pictures["averages"] = image_grid(grid, columns=10, title="from the mean code of each class")
    return pictures


def draw(settings: PCASettings, dataset: Dataset, options: SampleOptions, params: Params) -> Callable:
    """The image of a code drawn from the Gaussian that has the training codes' variances."""
    pca, shape = PCA(**params), dataset.splits["train"]["image"].shape[2:]
    return lambda key: {"image": reconstruct(pca, sample_code(key, pca)).reshape(shape)}


EXPERIMENT = Experiment(
    card=CARD,
    settings=PCASettings,
    data=data,
    task=task,
    monitor=monitor,
    evaluate=evaluate,
    evaluate_whole=evaluate_whole,
    figures=figures,
    monitored="squared_error",
    units={"loss": "", "squared_error": "", "psnr": "dB", "unexplained": "%", "variance": ""},
    sampler=Sampler(draw=draw),
)
