"""A small GPT, for ``lectern bench gpt``: ``python -m experiments.bench.gpt train | sample | sample-anew``.

Prints one JSON line with ``examples_per_second`` (windows, or drawn characters) and ``megabytes``, the memory at its
highest above that after imports. ``peers/gpt_torch.py`` does the same work.
"""

import argparse
import json
import resource
from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from experiments.bench.convolution import CHUNK, CHUNKS, rate
from experiments.objectives.next_token import next_token_loss
from models.continuation import continue_text, window_start
from models.gpt import GPT
from models.layers.drawing import draw_symbol
from models.transformer import Shape
from train.optimizers import Optimization, make_optimizer
from train.task import supervised

SYMBOLS, CONTEXT, BATCH = 65, 64, 12
MODEL = GPT(SYMBOLS, CONTEXT, Shape(depth=4, heads=4, width=128, hidden=512, bias=False))
TEXTS, LENGTH = 8, 300
NANOGPT = Optimization(
    optimizer="adamw", beta2=0.99, weight_decay=0.1, penalized="kernels", clip_norm=1.0, warmup_steps=100,
    schedule="cosine", final_learning_rate=1e-4,
)  # fmt: skip


def train() -> float:
    """Windows per second of steps inside a scan, compilation and a first chunk excluded."""
    loss_fn = next_token_loss(lambda keys, *given: MODEL.apply(*given))
    example = jnp.zeros((1, CONTEXT), jnp.int32)
    task = supervised(loss_fn, lambda key: MODEL.init(key, example), make_optimizer(NANOGPT, 2000))
    text = np.random.default_rng(0).integers(0, SYMBOLS, (CHUNK, BATCH, CONTEXT + 1)).astype(np.uint8)
    batches = jax.device_put({"symbols": text})
    chunk = jax.jit(lambda state, batches: jax.lax.scan(task.step, state, batches)[0], donate_argnums=0)
    return rate(partial(chunk, batches=batches), jax.jit(task.init)(jax.random.key(0)), CHUNKS * CHUNK * BATCH)


def sample(go_on: Callable[..., Array]) -> float:
    """Characters per second that ``go_on`` draws, several texts at once, after a first time."""
    params = MODEL.init(jax.random.key(0), jnp.zeros((1, CONTEXT), jnp.int32))
    start = jnp.zeros(1, jnp.int32)

    @jax.jit
    def texts(params, keys):
        drawn = jax.vmap(lambda key: go_on(MODEL, params, key, start, count=LENGTH, draw=draw_symbol))(keys)
        return jax.vmap(jax.random.fold_in)(keys, drawn[:, -1])  # the next texts wait for these

    return rate(partial(texts, params), jax.random.split(jax.random.key(1), TEXTS), CHUNKS * TEXTS * LENGTH)


def continue_anew(model: GPT, params, key, prompt, *, count: int, draw) -> Array:
    """``continue_text`` of one symbol or more, where the whole window is read again for every symbol."""
    text = jnp.concatenate([prompt, jnp.zeros(count + model.context, prompt.dtype)])
    places = np.arange(len(prompt) - 1, len(prompt) - 1 + count, dtype=np.int32)
    starts = np.array([window_start(int(place), context=model.context) for place in places], np.int32)

    def go_on(text, given):
        place, start, key = given
        window = jax.lax.dynamic_slice_in_dim(text, start, model.context)
        drawn = draw(key, model.apply(params, window)[place - start]).astype(text.dtype)
        return text.at[place + 1].set(drawn), drawn

    return jax.lax.scan(go_on, text, (places, starts, jax.random.split(key, count)))[1]


PROGRAMS = {"train": train, "sample": partial(sample, continue_text), "sample-anew": partial(sample, continue_anew)}


def main() -> None:
    """Runs one program."""
    parser = argparse.ArgumentParser()
    parser.add_argument("program", choices=PROGRAMS)
    program = PROGRAMS[parser.parse_args().program]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    per_second = program()
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(json.dumps({"examples_per_second": per_second, "megabytes": grown / 1024}))


if __name__ == "__main__":
    main()
