"""Dropout in any network, from outside of it."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
from flax import linen as nn
from jaxtyping import Array, Key

from models.layers.dropout import dropout


def with_dropout(apply: Callable[..., Any], *, rate: float, input_rate: float) -> Callable[..., Any]:
    """``apply`` as ``(keys, params, *inputs)``: what a layer with weights is given is dropped out first.

    The first dense or convolutional layer that is called loses ``input_rate`` of its input, every later one ``rate``;
    example i draws from ``keys[i]`` (with more rows than keys, each key serves as many rows in turn). With both rates 0
    the keys are not used. Srivastava et al. 2014, section 4. Lecture 001.
    """
    if rate == input_rate == 0:
        return lambda keys, *given, **options: apply(*given, **options)

    def dropped(keys: Key[Array, " batch"], *given: Any, **options: Any) -> Any:
        layers = iter(range(2**31))

        def drop(layer: Callable[..., Any], given: tuple[Any, ...], options: dict[str, Any], context: Any) -> Any:
            if not isinstance(context.module, (nn.Dense, nn.Conv)) or context.method_name != "__call__":
                return layer(*given, **options)
            number = next(layers)
            fold = partial(jax.random.fold_in, data=number)
            layer_keys = jax.vmap(fold)(jax.numpy.repeat(keys, len(given[0]) // len(keys)))
            kept = jax.vmap(partial(dropout, rate=rate if number else input_rate))(layer_keys, given[0])
            return layer(kept, *given[1:], **options)

        with nn.intercept_methods(drop):
            return apply(*given, **options)

    return dropped
