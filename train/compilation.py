"""What programs share, and how those of few calls are compiled: first states, evaluations, figures."""

from collections.abc import Callable
from typing import Any

import jax

LLVM_LEVEL = {"xla_backend_optimization_level": 2}


def jit_of_few_calls(function: Callable, **options: Any) -> jax.stages.Wrapped:
    """``jax.jit`` for what does not train: on a CPU it compiles in half to two thirds of the time.

    There LLVM optimises at its second level, not its third; what it makes was as fast in every program measured
    (docs/benchmarks.md). A process that asked for still less, by ``JAX_DISABLE_MOST_OPTIMIZATIONS``, keeps that. No
    other compiled function may call what is returned.
    """
    less = jax.default_backend() == "cpu" and not jax.config.read("jax_disable_most_optimizations")
    return jax.jit(function, compiler_options=LLVM_LEVEL if less else None, **options)


def traced_once(function: Callable) -> jax.stages.Wrapped:
    """``function`` that Python runs once for all programs that call it on arrays of the same shapes and types.

    What was traced becomes a part of each program, as if the function stood there.
    """
    return jax.jit(function, inline=True)
