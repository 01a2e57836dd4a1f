"""A text that a transformer goes on with, symbol by symbol, in one compiled loop that remembers what was read.

A transformer with learned places sees no more than its context. When that is full, the window moves on by half of it,
and what stays is read anew from place 0 on. So every symbol that comes later than a context follows more than half a
context, and keys and values are computed about twice for a symbol, not once for each symbol after it.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key, PyTree

from models.gpt import GPT
from models.transformer import Memory


def window_start(place: int, *, context: int) -> int:
    """Where the window of ``context`` C symbols begins from which the symbol after ``place`` t is drawn.

    0  where t < C,   else  S (⌊(t − C) / S⌋ + 1)   with   S = C − ⌊C / 2⌋

    """
    step = context - context // 2
    return step * max((place - context) // step + 1, 0)


def continue_text(
    model: GPT,
    params: PyTree,
    key: Key[Array, ""],
    prompt: Int[Array, " read"],
    *,
    count: int,
    draw: Callable[[Key[Array, ""], Float[Array, " symbols"]], Int[Array, ""]],
) -> Int[Array, " count"]:
    """``count`` symbols after the prompt, each drawn from the logits that its window gives: ``draw(key, logits)``.

    Symbol i draws from key i, so a shorter text is the head of a longer one. ``ValueError`` for an empty prompt.
    Lecture 003, "Decoder-only".
    """
    read = len(prompt)
    if not read:
        raise ValueError("a text cannot go on from nothing: give at least one symbol")
    places = np.arange(read - 1, read - 1 + count, dtype=np.int32)
    starts = np.array([window_start(int(place), context=model.context) for place in places], np.int32)
    moves = np.diff(starts, prepend=starts[:1]) > 0
    kept = model.context // 2

    def remember(part: Int[Array, " places"]) -> tuple[Memory, ...]:
        memory = model.apply(params, method="empty_memory")
        return model.apply(params, part, memory, jnp.int32(0), method="extend")[1] if len(part) else memory

    def go_on(carried, given):
        text, memory = carried
        place, start, move, key = given
        memory = jax.lax.cond(move, lambda: remember(jax.lax.dynamic_slice_in_dim(text, start, kept)), lambda: memory)
        logits, memory = model.apply(params, text[place][None], memory, place - start, method="extend")
        drawn = draw(key, logits[0]).astype(text.dtype)
        return (text.at[place + 1].set(drawn), memory), drawn

    text = jnp.concatenate([prompt, jnp.zeros(max(count, kept - read), prompt.dtype)])
    memory = remember(prompt[window_start(read - 1, context=model.context) : read - 1])
    steps = places, starts, moves, jax.random.split(key, count)
    return jax.lax.scan(go_on, (text, memory), steps)[1]
