"""Dropout in any network, from outside of it."""

from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any

import jax
from flax import linen as nn
from jaxtyping import Array, Float, Key

from models.layers.dropout import dropout


class Dropout(nn.Module):
    """A place of a network where ``with_dropout`` drops; by itself the identity. Srivastava et al. 2014."""

    rate: float
    """share that is dropped in training"""

    def __call__(self, features: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        return features


def with_dropout(apply: Callable[..., Any], *, rate: float, input_rate: float) -> Callable[..., Any]:
    """``apply`` as ``(keys, params, *inputs)``: what a layer with weights is given is dropped out first.

    The first dense or convolutional layer that is called loses ``input_rate`` of its input, every later one ``rate``,
    and each ``Dropout`` of the network its own rate; example i draws from ``keys[i]`` (with more rows than keys, each
    key serves as many rows in turn). Where all rates are 0 the keys are not used. Srivastava et al. 2014, section 4.
    Lecture 001.
    """

    def dropped(keys: Key[Array, " batch"], *given: Any, **options: Any) -> Any:
        calls, with_weights = count(), count()

        def drop(layer: Callable[..., Any], given: tuple[Any, ...], options: dict[str, Any], context: Any) -> Any:
            module = context.module
            if not isinstance(module, (nn.Dense, nn.Conv, Dropout)) or context.method_name != "__call__":
                return layer(*given, **options)
            number = next(calls)
            share = module.rate if isinstance(module, Dropout) else rate if next(with_weights) else input_rate
            if share == 0:
                return layer(*given, **options)
            fold = partial(jax.random.fold_in, data=number)
            layer_keys = jax.vmap(fold)(jax.numpy.repeat(keys, len(given[0]) // len(keys)))
            kept = jax.vmap(partial(dropout, rate=share))(layer_keys, given[0])
            return layer(kept, *given[1:], **options)

        with nn.intercept_methods(drop):
            return apply(*given, **options)

    return dropped


def with_dropout_of_whole(apply: Callable[..., Any]) -> Callable[..., Any]:
    """``apply`` as ``(key, params, *inputs)`` of a network whose input is one thing and no batch, such as a graph.

    Each ``Dropout`` of the network loses its own rate of what it is given, drawn from a key folded from the one key.
    Srivastava et al. 2014, section 4; Kipf & Welling 2017, section 5.2.
    """

    def dropped(key: Key[Array, ""], *given: Any, **options: Any) -> Any:
        calls = count()

        def drop(layer: Callable[..., Any], given: tuple[Any, ...], options: dict[str, Any], context: Any) -> Any:
            place = context.module
            if not isinstance(place, Dropout) or context.method_name != "__call__" or place.rate == 0:
                return layer(*given, **options)
            return layer(dropout(jax.random.fold_in(key, next(calls)), given[0], rate=place.rate))

        with nn.intercept_methods(drop):
            return apply(*given, **options)

    return dropped
