"""Differential evolution: a population descends on a function of which no gradient is taken."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key


class Population(NamedTuple):
    """Candidates, and what each of them scored: the less, the better."""

    members: Float[Array, "members genes"]
    """genes in [0, 1]"""
    scores: Float[Array, " members"]

    @property
    def best(self) -> Float[Array, " genes"]:
        """The genes of the least score; one that is NaN counts as the greatest."""
        return self.members[jnp.argmin(jnp.where(jnp.isnan(self.scores), jnp.inf, self.scores))]


def three_others(key: Key[Array, ""], *, count: int) -> Int[Array, "{count} 3"]:
    """For each of ``count`` members the numbers of three others, all different, every such triple as likely as any.

    Numbers are from 0. Fewer than four members raise ``ValueError``. Storn & Price 1997, section 2.
    """
    if count < 4:
        raise ValueError(f"three others of each take four members or more, got {count}")
    keys = jax.random.split(key, 3)
    first, second, third = (jax.random.randint(each, (count,), 0, count - 1 - taken) for taken, each in enumerate(keys))
    second = jnp.where(second >= first, second + 1, second)
    low, high = jnp.minimum(first, second), jnp.maximum(first, second)
    third = jnp.where(third >= low, third + 1, third)
    third = jnp.where(third >= high, third + 1, third)
    return (jnp.arange(count)[:, None] + 1 + jnp.stack([first, second, third], axis=1)) % count


def mutants(
    key: Key[Array, ""], members: Float[Array, "members genes"], *, factor: float = 0.5
) -> Float[Array, "members genes"]:
    """A candidate in place of each member: the difference of two others added to a third, the rule rand/1.

        y_i = x_{r₁} + F (x_{r₂} − x_{r₃}),   r₁, r₂, r₃ and i all different

    What leaves [0, 1] is clipped, and no genes are crossed over. Storn & Price 1997, equation 2; Su et al. 2019,
    equation 3.
    """
    first, second, third = jnp.moveaxis(members[three_others(key, count=len(members))], 1, 0)
    return jnp.clip(first + factor * (second - third), 0.0, 1.0)


def evolved(
    score: Callable[[Float[Array, "members genes"]], Float[Array, " members"]],
    key: Key[Array, ""],
    population: Population,
    *,
    factor: float = 0.5,
) -> Population:
    """The next generation: each member, or its mutant where that scores no more.

    ``score`` is asked once, for all mutants, and is never differentiated. A score that is NaN counts as the greatest.
    Storn & Price 1997, section 2; Su et al. 2019, section 3.2.
    """
    candidates = mutants(key, population.members, factor=factor)
    scores = score(candidates)
    better = (scores <= population.scores) | jnp.isnan(population.scores)
    return Population(
        jnp.where(better[:, None], candidates, population.members), jnp.where(better, scores, population.scores)
    )
