"""Character GPT: the next character by attention to all before it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np

from experiments.datasets import Dataset
from experiments.datasets.settings import TextData
from experiments.networks.training import without_noise
from experiments.networks.transformer import Transformer
from experiments.objectives.continuation import TextOptions, drawn_text
from experiments.objectives.next_token import next_token_loss
from experiments.plots.texts import surprise
from experiments.run.experiment import Experiment
from experiments.run.sampling import Sampler
from experiments.run.settings import Count, Flat, LoopSettings, OfEvaluation, Settings
from experiments.sequences.char_gpt.card import CARD
from experiments.sequences.char_gpt.figures import loss_by_place
from models.continuation import continue_text
from models.gpt import GPT
from models.layers.drawing import draw_symbol
from train.evaluation import WholeSet
from train.optimizers import Optimization, make_optimizer
from train.task import LossFn, Params, Stream, Task, stream_key, supervised

SHOWN = 5
"""Windows, at most, of the texts that are shown, each read by itself."""
MEASURED = 1000
"""Windows of the test text, evenly spaced, over which the loss at each place is a mean."""


@dataclass(frozen=True, kw_only=True)
class CharGPTSettings(Settings):
    """Prediction of characters by a transformer decoder."""

    loop: Flat[LoopSettings] = LoopSettings(steps=2000, batch_size=12, evaluate_every=250)
    text: Flat[TextData] = TextData(stride=1)
    transformer: Flat[Transformer] = Transformer()
    optimization: Flat[Optimization] = Optimization(
        optimizer="adamw", beta2=0.99, weight_decay=0.1, penalized="kernels", clip_norm=1.0, warmup_steps=100,
        schedule="cosine", final_learning_rate=1e-4,
    )  # fmt: skip
    estimated_batches: Annotated[Count, OfEvaluation] = 20
    """batches of random windows over which nanoGPT estimates a loss"""


def network(settings: CharGPTSettings, dataset: Dataset) -> GPT:
    """The model, for the alphabet of the text; it sees as much as a window has."""
    return GPT(len(dataset.symbols), settings.text.length, settings.transformer.shape)


def task(settings: CharGPTSettings, dataset: Dataset) -> Task:
    """Descent on the cross-entropy of the next character at every place."""
    model = network(settings, dataset)
    example = jax.device_put(dataset.example()["symbols"].astype(np.int32))[:, :-1]
    optimizer = make_optimizer(settings.optimization, settings.loop.steps)
    loss_fn = next_token_loss(settings.transformer.wrap(model.apply))
    return supervised(loss_fn, lambda key: model.init(key, example), optimizer)


def monitor(settings: CharGPTSettings, dataset: Dataset) -> LossFn:
    """The same loss without dropout."""
    return next_token_loss(without_noise(network(settings, dataset).apply))


def estimate(settings: CharGPTSettings, dataset: Dataset) -> WholeSet:
    """The mean loss of windows that begin at random places of the test text, as nanoGPT measures."""
    loss_fn = monitor(settings, dataset)
    batches, batch, length = settings.estimated_batches, settings.loop.batch_size, settings.text.length

    def measure(params, text, key):
        starts = jax.random.randint(key, (batches, batch), 0, len(text) - length)

        def loss_of(starts):
            windows = text[starts[:, None] + jnp.arange(length + 1)]
            return loss_fn(params, {"symbols": windows}, jax.random.split(key, batch))[0].mean()

        return {"estimated_loss": jax.lax.map(loss_of, starts).mean()}

    return WholeSet(dataset.splits["test"]["symbols"].sequence, measure)


def figures(settings: CharGPTSettings, dataset: Dataset, params: Params) -> dict:
    """The loss at each place of a window; and how surprising a held-out text is, and one that the model draws."""
    model, length = network(settings, dataset), settings.text.length
    text = jax.device_put(dataset.splits["test"]["symbols"].sequence.astype(np.int32))
    key = stream_key(settings.seeds.seed, Stream.FIGURES)
    windows = min(SHOWN, (len(text) - 1) // length)

    @jax.jit
    def nats(params, starts, text):
        def of_window(start):
            window = jax.lax.dynamic_slice_in_dim(text, start, length + 1)
            log_probabilities = jax.nn.log_softmax(model.apply(params, window[:-1]))
            return -jnp.take_along_axis(log_probabilities, window[1:, None], axis=1)[:, 0]

        return jax.lax.map(of_window, starts)

    @jax.jit
    def drawn(params, key, start):
        return continue_text(model, params, key, start, count=windows * length, draw=draw_symbol)

    shown = {"held-out text": text, "drawn by the model": jnp.concatenate([text[:1], drawn(params, key, text[:1])])}

    def lettered(symbols):
        costs = np.asarray(nats(params, np.arange(windows) * length, symbols)).ravel()
        return "".join(dataset.symbols[number] for number in symbols[1 : 1 + len(costs)].tolist()), costs

    starts = np.linspace(0, len(text) - length - 1, MEASURED).astype(np.int32)
    return {
        "places": loss_by_place(np.asarray(nats(params, starts, text)).mean(axis=0)),
        "surprise": surprise({title: lettered(symbols) for title, symbols in shown.items()}),
    }


def draw(settings: CharGPTSettings, dataset: Dataset, options: TextOptions, params: Params) -> Callable:
    """A text drawn character by character, keys and values remembered."""
    return drawn_text(dataset, options, partial(continue_text, network(settings, dataset), params))


EXPERIMENT = Experiment(
    card=CARD,
    settings=CharGPTSettings,
    data=lambda settings: settings.text.load(),
    task=task,
    monitor=monitor,
    evaluate_whole=estimate,
    figures=figures,
    monitored="loss",
    units={"loss": "nats", "error": "%", "estimated_loss": "nats"},
    network=network,
    inputs=lambda settings, examples: examples["symbols"][:, :-1],
    sampler=Sampler(draw=draw, options=TextOptions),
)
