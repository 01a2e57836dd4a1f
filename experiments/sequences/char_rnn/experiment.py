"""Character RNN: the next character from a state that has seen all before it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, Key

from experiments.datasets import Dataset
from experiments.datasets.settings import TextData
from experiments.networks.sequence import RecurrentNetwork
from experiments.networks.training import without_noise
from experiments.objectives.continuation import Draw, TextOptions, drawn_text
from experiments.objectives.next_token import next_token_loss
from experiments.plots.texts import surprise
from experiments.run.experiment import Experiment
from experiments.run.sampling import Sampler
from experiments.run.settings import Flat, LoopSettings, Settings
from experiments.sequences.char_rnn.card import CARD
from experiments.sequences.char_rnn.figures import states
from models.layers.drawing import draw_symbol
from models.recurrent_net import RecurrentNet
from train.optimizers import Optimization, make_optimizer
from train.task import LossFn, Params, Stream, Task, stream_key, supervised


@dataclass(frozen=True, kw_only=True)
class CharRNNSettings(Settings):
    """Prediction of characters by a recurrent network."""

    loop: Flat[LoopSettings] = LoopSettings(steps=1000, batch_size=64)
    text: Flat[TextData] = TextData()
    network: Flat[RecurrentNetwork] = RecurrentNetwork(units=128)
    optimization: Flat[Optimization] = Optimization(learning_rate=3e-3, clip_norm=1.0)


def network(settings: CharRNNSettings, dataset: Dataset) -> RecurrentNet:
    """The model, for the alphabet of the text."""
    return settings.network.net(len(dataset.symbols), read="every", symbols=len(dataset.symbols))


def task(settings: CharRNNSettings, dataset: Dataset) -> Task:
    """Descent on the cross-entropy of the next character; the state is handed on within a window."""
    model = network(settings, dataset)
    example = jax.device_put(dataset.example()["symbols"].astype(np.int32))
    optimizer = make_optimizer(settings.optimization, settings.loop.steps)
    loss_fn = next_token_loss(_logits(settings.network.noisy(model)))
    return supervised(loss_fn, lambda key: model.init(key, example), optimizer)


def monitor(settings: CharRNNSettings, dataset: Dataset) -> LossFn:
    """The same loss without dropout, from the mean of initial states."""
    return next_token_loss(_logits(without_noise(network(settings, dataset).apply)))


def _logits(apply: Callable) -> Callable:
    return lambda *given: apply(*given)["outputs"]


def continue_text(
    model: RecurrentNet, params: Params, key: Key[Array, ""], start: Int[Array, " places"], *, count: int, draw: Draw
) -> Int[Array, " count"]:
    """``count`` characters after a start of at least one, each drawn from the state that has read all before it."""
    read = model.apply(params, start[None])

    def step(carried, key):
        logits, state = carried
        drawn = draw(key, logits)
        now = model.apply(params, drawn[None, None], state=state)
        return (now["outputs"][0, -1], now["state"]), drawn

    begun = read["outputs"][0, -1], read["state"]
    return jax.lax.scan(step, begun, jax.random.split(key, count))[1]


def figures(settings: CharRNNSettings, dataset: Dataset, params: Params) -> dict:
    """How surprising each character is, of a held-out text and of one that is drawn; and what a few units say of it."""
    model = network(settings, dataset)
    text = jax.device_put(dataset.head("test", 6)["symbols"].astype(np.int32))[:, 1:].ravel()
    key = stream_key(settings.seeds.seed, Stream.FIGURES)
    go_on = jax.jit(partial(continue_text, model, count=len(text) - 1, draw=draw_symbol))
    shown = {"held-out text": text, "drawn by the model": jnp.concatenate([text[:1], go_on(params, key, text[:1])])}

    @jax.jit
    def read(params, sequence):
        seen = model.apply(params, sequence[None, :-1])
        log_probabilities = jax.nn.log_softmax(seen["outputs"][0])
        return -jnp.take_along_axis(log_probabilities, sequence[1:, None], axis=1)[:, 0], seen["hidden"][0]

    def letters(sequence):
        return "".join(dataset.symbols[number] for number in sequence.tolist())

    costs = {title: (letters(sequence[1:]), np.asarray(read(params, sequence)[0])) for title, sequence in shown.items()}
    return {"surprise": surprise(costs), "states": states(letters(text[:-1]), np.asarray(read(params, text)[1]))}


def draw(settings: CharRNNSettings, dataset: Dataset, options: TextOptions, params: Params) -> Callable:
    """A text drawn character by character, the state handed on."""
    return drawn_text(dataset, options, partial(continue_text, network(settings, dataset), params))


EXPERIMENT = Experiment(
    card=CARD,
    settings=CharRNNSettings,
    data=lambda settings: settings.text.load(),
    task=task,
    monitor=monitor,
    figures=figures,
    monitored="loss",
    units={"loss": "nats", "error": "%"},
    network=network,
    inputs=lambda settings, examples: examples["symbols"][:, :-1],
    sampler=Sampler(draw=draw, options=TextOptions),
)
