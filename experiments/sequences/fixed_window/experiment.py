"""Fixed window: the next character from the last few, without memory."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from experiments.datasets import Dataset
from experiments.datasets.settings import TextData
from experiments.networks.training import NetworkTraining, without_noise
from experiments.objectives.continuation import Draw, TextOptions, drawn_text
from experiments.objectives.next_token import next_token_loss
from experiments.plots.texts import surprise
from experiments.run.experiment import Experiment
from experiments.run.sampling import Sampler
from experiments.run.settings import Count, Flat, LoopSettings, Settings
from experiments.sequences.fixed_window.card import CARD
from models.fixed_window import FixedWindow
from models.layers.drawing import draw_symbol
from train.optimizers import Optimization, make_optimizer
from train.task import LossFn, Params, Stream, Task, stream_key, supervised


@dataclass(frozen=True, kw_only=True)
class FixedWindowSettings(Settings):
    """Prediction of characters from a fixed window."""

    loop: Flat[LoopSettings] = LoopSettings(steps=1500, batch_size=64)
    text: Flat[TextData] = TextData()
    training: Flat[NetworkTraining] = NetworkTraining()
    optimization: Flat[Optimization] = Optimization(learning_rate=2e-3)
    context: Count = 8
    """characters that are looked at"""
    embedding: Count = 16
    """numbers that stand for a character"""
    widths: tuple[Count, ...] = (128,)
    """hidden units; none: a sum over the characters of the window"""

    def __post_init__(self):
        super().__post_init__()
        if self.context > self.text.length:
            raise ValueError(f"--context must be at most --length {self.text.length}, got {self.context}")


def network(settings: FixedWindowSettings, dataset: Dataset) -> FixedWindow:
    """The model, for the alphabet of the text."""
    return FixedWindow(len(dataset.symbols), settings.context, settings.embedding, settings.widths)


def task(settings: FixedWindowSettings, dataset: Dataset) -> Task:
    """Descent on the cross-entropy of the next character."""
    model = network(settings, dataset)
    example = jax.device_put(dataset.example()["symbols"].astype(np.int32))
    optimizer = make_optimizer(settings.optimization, settings.loop.steps)
    loss_fn = next_token_loss(settings.training.wrap(model.apply))
    return supervised(loss_fn, lambda key: model.init(key, example), optimizer)


def monitor(settings: FixedWindowSettings, dataset: Dataset) -> LossFn:
    """The same loss without dropout."""
    return next_token_loss(without_noise(network(settings, dataset).apply))


def generate(model: FixedWindow, params: Params, key, start, *, count: int, draw: Draw):
    """``count`` characters drawn one after the other, each from the model's distribution given the last ones."""

    def step(window, key):
        drawn = draw(key, model.apply(params, window)[-1])
        return jnp.append(window[1:], drawn), drawn

    return jax.lax.scan(step, start[-model.context :], jax.random.split(key, count))[1]


def figures(settings: FixedWindowSettings, dataset: Dataset, params: Params) -> dict:
    """How surprising each character of a held-out text is, and a text that the model draws, as surprising to itself."""
    model = network(settings, dataset)
    text = jax.device_put(dataset.head("test", 8)["symbols"].astype(np.int32))[:, 1:].ravel()
    key = stream_key(settings.seeds.seed, Stream.FIGURES)
    start = text[: settings.context]
    drawn = jax.jit(partial(generate, model, count=len(text), draw=draw_symbol))(params, key, start)
    shown = {"held-out text": text, "drawn by the model": jnp.concatenate([start, drawn])}

    @jax.jit
    def nats(params, sequence):
        log_probabilities = jax.nn.log_softmax(model.apply(params, sequence[:-1]))
        return -log_probabilities[jnp.arange(len(log_probabilities)), sequence[settings.context :]]

    def letters(sequence):
        return "".join(dataset.symbols[number] for number in sequence[settings.context :].tolist())

    return {
        "surprise": surprise(
            {title: (letters(sequence), np.asarray(nats(params, sequence))) for title, sequence in shown.items()}
        )
    }


def draw(settings: FixedWindowSettings, dataset: Dataset, options: TextOptions, params: Params) -> Callable:
    """A text drawn character by character."""
    go_on = partial(generate, network(settings, dataset), params)
    return drawn_text(dataset, options, go_on, at_least=settings.context)


EXPERIMENT = Experiment(
    card=CARD,
    settings=FixedWindowSettings,
    data=lambda settings: settings.text.load(),
    task=task,
    monitor=monitor,
    figures=figures,
    monitored="loss",
    units={"loss": "nats", "error": "%"},
    network=network,
    sampler=Sampler(draw=draw, options=TextOptions),
)
