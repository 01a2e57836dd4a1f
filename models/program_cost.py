"""FLOPs of any program, by the formulas of its products: also where it loops, which a compiler's count leaves out."""

from collections.abc import Callable, Iterator
from math import prod
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr, Jaxpr


def product_flops(function: Callable[..., Any], *args: Any) -> int | None:
    """The floating-point operations of all matrix products and convolutions of ``function(*args)``.

        2 · (entries of the result) · (terms of each sum)

    A multiply-add counts two. What a ``scan`` or ``map`` repeats counts as often as it runs, of branches the dearest.
    Sums, activations and decompositions are left out: in a network they are few beside its products. ``None`` where a
    loop's length is not known before it runs. The function is traced on the shapes of ``args`` alone.
    Lecture 003, sections 1.2.1 and 3.1.1.
    """
    try:
        return _flops(_program(function, args))
    except _UnknownLengthError:
        return None


def has_loops(function: Callable[..., Any], *args: Any) -> bool:
    """Whether ``function(*args)`` repeats anything, so that a compiler that counts a loop's body once is wrong."""
    return _has_loops(_program(function, args))


def _program(function: Callable[..., Any], args: tuple[Any, ...]) -> Jaxpr:
    """What a compiled function was traced to is taken as it stands: within another trace it would be copied."""
    compiled = function if isinstance(function, jax.stages.Wrapped) else jax.jit(function)
    return compiled.trace(*args).jaxpr.jaxpr


def _has_loops(jaxpr: Jaxpr) -> bool:
    return any(
        equation.primitive.name in ("scan", "while") or any(map(_has_loops, _programs(equation.params.values())))
        for equation in jaxpr.eqns
    )


class _UnknownLengthError(Exception):
    """A ``while`` loop with a product inside."""


def _flops(jaxpr: Jaxpr) -> int:
    return sum(_flops_of(equation) for equation in jaxpr.eqns)


def _flops_of(equation: Any) -> int:
    name = equation.primitive.name
    if name == "dot_general":
        return _product(equation)
    if name == "conv_general_dilated":
        return _convolution(equation)
    inside = [_flops(jaxpr) for jaxpr in _programs(equation.params.values())]
    match name:
        case "scan":
            return equation.params["length"] * sum(inside)
        case "cond":
            return max(inside, default=0)
        case "while" if any(inside):
            raise _UnknownLengthError
        case _:
            return sum(inside)


def _programs(parameters: Any) -> Iterator[Jaxpr]:
    for value in parameters:
        if isinstance(value, ClosedJaxpr):
            yield value.jaxpr
        elif isinstance(value, Jaxpr):
            yield value
        elif isinstance(value, tuple | list):
            yield from _programs(value)


def _product(equation: Any) -> int:
    (contracted, _), _ = equation.params["dimension_numbers"]
    terms = prod(equation.invars[0].aval.shape[axis] for axis in contracted)
    return 2 * equation.outvars[0].aval.size * terms


def _convolution(equation: Any) -> int:
    kernel, result = equation.invars[1].aval, equation.outvars[0].aval
    features = kernel.shape[equation.params["dimension_numbers"].rhs_spec[0]]
    return 2 * result.size * (kernel.size // features)
