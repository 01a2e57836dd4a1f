"""How parameters begin: JAX's initialisers, each traced once for every shape.

Whenever a network is applied, Flax asks the initialiser of each parameter for its shape, so as to compare it with the
parameter that is given. What was traced before answers at once; a tenth of the time to trace a network goes there
otherwise.
"""

from functools import cache

import jax
from jax.nn.initializers import Initializer, glorot_uniform, he_normal, normal


def traced_once_per_shape(initializer: Initializer) -> Initializer:
    """``initializer``, with the same numbers, that Python runs once for each shape and type. Lecture 001."""
    return jax.jit(initializer, static_argnums=(1, 2), inline=True)


GLOROT_UNIFORM = traced_once_per_shape(glorot_uniform())
"""W ~ U(−a, a),  a² = 6 / (fan in + fan out).  Glorot & Bengio 2010, equation 16."""
HE_NORMAL = traced_once_per_shape(he_normal())
"""W ~ N(0, 2 / fan in), cut off at two deviations.  He et al. 2015, equation 10."""


@cache
def gaussian(deviation: float) -> Initializer:
    """W ~ N(0, deviation²). Lecture 001."""
    return traced_once_per_shape(normal(deviation))
