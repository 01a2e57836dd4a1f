"""Texts that a model of the next symbol goes on with: how they begin, how long they are, and how daring."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Ge, Gt, Le
from jaxtyping import Array, Float, Int, Key

from experiments.datasets import Dataset
from experiments.numerals import counted
from experiments.run.sampling import Example, SampleOptions
from experiments.run.settings import Count
from models.layers.drawing import draw_symbol

STARTED_FROM = 1000
"""Training windows, at most, from one of which each sample begins."""
Draw = Callable[[Key[Array, ""], Float[Array, " symbols"]], Int[Array, ""]]


@dataclass(frozen=True, kw_only=True)
class TextOptions(SampleOptions):
    """How the text begins, how long it is, and how daring."""

    prompt: str = ""
    """how it begins; without one, like a random place of the training text"""
    length: Count | None = None
    """characters of a sample, prompt included; by default as many as a training window has"""
    temperature: Annotated[float, Ge(0)] = 1.0
    """what the logits are divided by: below 1 for the likely, above 1 for the daring; 0 always takes the likeliest"""
    top_k: Count | None = None
    """draw from so many likeliest characters only"""
    top_p: Annotated[float, Gt(0), Le(1)] = 1.0
    """draw from the fewest characters that have this probability together"""

    @property
    def draw(self) -> Draw:
        """One character, from a key and logits."""
        return partial(draw_symbol, temperature=self.temperature, top_k=self.top_k, top_p=self.top_p)


class Continue(Protocol):
    """The symbols that follow a start of one or more, each drawn with ``draw``."""

    def __call__(
        self, key: Key[Array, ""], start: Int[Array, " places"], /, *, count: int, draw: Draw
    ) -> Int[Array, " count"]: ...


def drawn_text(
    dataset: Dataset, options: TextOptions, go_on: Continue, *, at_least: int = 1
) -> Callable[[Key[Array, ""]], Example]:
    """The function ``key → {"symbols"}`` of a sampler: the prompt and what follows.

    A model that must see ``at_least`` so many symbols is shown some of the training text before a shorter prompt.
    ``ValueError`` where the prompt is longer than the sample.
    """
    windows = dataset.head("train", STARTED_FROM)["symbols"]
    length = options.length or windows.shape[1]
    prompt = np.asarray(dataset.numbers(options.prompt), np.int32)
    if len(prompt) > length:
        raise ValueError(f"--prompt has {counted(len(prompt), 'character')}, more than --length {length}")
    before = jax.device_put(windows[:, len(prompt) : at_least].astype(np.int32))

    def from_model(key: Key[Array, ""]) -> Example:
        choosing, drawing = jax.random.split(key)
        start = jnp.concatenate([jax.random.choice(choosing, before), prompt])
        drawn = go_on(drawing, start, count=length - len(prompt), draw=options.draw)
        return {"symbols": jnp.concatenate([prompt, drawn]).astype(windows.dtype)}

    return from_model
