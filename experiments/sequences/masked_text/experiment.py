"""Masked text: an encoder fills in the characters that are hidden, from both sides."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np
import optax
from annotated_types import Gt

from experiments.datasets import Dataset
from experiments.datasets.settings import TextData
from experiments.networks.training import without_noise
from experiments.networks.transformer import Transformer
from experiments.objectives.observation import drawing
from experiments.run.experiment import Experiment
from experiments.run.settings import Flat, LoopSettings, Settings
from experiments.sequences.masked_text.card import CARD
from experiments.sequences.masked_text.figures import filled_in
from models.encoder_decoder import Encoder
from models.layers.masking import mask_symbols
from train.measures import Ratio
from train.optimizers import Fraction, Optimization, make_optimizer
from train.task import Draw, LossFn, Params, Stream, Task, stream_key, supervised

MASK, FIRST = 1, 2
"""Number of the mask, and of the alphabet's first character; 0 is no symbol."""
SHOWN = 6
"""Windows of the figure, evenly spaced."""


@dataclass(frozen=True, kw_only=True)
class MaskedTextSettings(Settings):
    """Characters filled in by a transformer encoder."""

    loop: Flat[LoopSettings] = LoopSettings(steps=2000, batch_size=24, evaluate_every=250)
    text: Flat[TextData] = TextData(stride=1)
    transformer: Flat[Transformer] = Transformer(depth=2)
    optimization: Flat[Optimization] = Optimization(
        learning_rate=2e-3, warmup_steps=100, schedule="cosine", clip_norm=1.0
    )
    masked: Annotated[Fraction, Gt(0)] = 0.15
    """share of the places that are asked for"""


def network(settings: MaskedTextSettings, dataset: Dataset) -> Encoder:
    """The model, for the alphabet, the mask and nothing."""
    symbols = len(dataset.symbols)
    return Encoder(FIRST + symbols, symbols, settings.transformer.shape)


def masked_loss(settings: MaskedTextSettings, dataset: Dataset, apply) -> LossFn:
    """The cross-entropy at the places that are asked for.

    The loss of a window is its sum divided by the number of places that are asked for on average; ``nats`` is that per
    place asked for, and ``error`` the share of them, in %, that is filled in wrongly.
    """
    expected = settings.masked * (settings.text.length + 1)
    mask = partial(mask_symbols, share=settings.masked, mask=MASK, first=FIRST, symbols=len(dataset.symbols))

    def loss_fn(params, batch, keys):
        targets = batch["symbols"].astype(jnp.int32)
        seen, asked = jax.vmap(mask)(drawing(keys, Draw.OBSERVE), targets + FIRST)
        logits = apply(drawing(keys, Draw.DROPOUT), params, seen)
        count = asked.sum(axis=1).astype(logits.dtype)
        losses = optax.losses.softmax_cross_entropy_with_integer_labels(logits, targets).sum(axis=1, where=asked)
        wrong = (asked & (logits.argmax(axis=-1) != targets)).sum(axis=1).astype(logits.dtype)
        return losses / expected, {"nats": Ratio(losses, count), "error": Ratio(100 * wrong, count)}

    return loss_fn


def task(settings: MaskedTextSettings, dataset: Dataset) -> Task:
    """Descent on the loss of what is hidden, which every step draws anew."""
    model = network(settings, dataset)
    example = jax.device_put(dataset.example()["symbols"].astype(np.int32))
    loss_fn = masked_loss(settings, dataset, settings.transformer.wrap(model.apply))
    return supervised(
        loss_fn, lambda key: model.init(key, example), make_optimizer(settings.optimization, settings.loop.steps)
    )


def monitor(settings: MaskedTextSettings, dataset: Dataset) -> LossFn:
    """The same loss without dropout."""
    return masked_loss(settings, dataset, without_noise(network(settings, dataset).apply))


def figures(settings: MaskedTextSettings, dataset: Dataset, params: Params) -> dict:
    """Some held-out windows with all places hidden that are asked for, and what is filled in."""
    model, held_out = network(settings, dataset), dataset.splits["test"]["symbols"]
    windows = held_out[np.linspace(0, len(held_out) - 1, SHOWN).astype(int)].astype(np.int32)
    key = stream_key(settings.seeds.seed, Stream.FIGURES)
    asked = jax.random.bernoulli(key, settings.masked, windows.shape)
    logits = jax.jit(model.apply)(params, jnp.where(asked, MASK, windows + FIRST))
    probabilities = np.asarray(jax.nn.softmax(logits))
    said = probabilities.argmax(axis=-1)

    def letters(numbers):
        return [[dataset.symbols[number] for number in row] for row in numbers]

    return {"filled": filled_in(letters(windows), letters(said), np.asarray(asked), probabilities.max(axis=-1))}


EXPERIMENT = Experiment(
    card=CARD,
    settings=MaskedTextSettings,
    data=lambda settings: settings.text.load(),
    task=task,
    monitor=monitor,
    figures=figures,
    monitored="nats",
    units={"loss": "nats", "nats": "nats", "error": "%"},
    network=network,
)
