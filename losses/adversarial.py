"""Losses of a game between a generator G and a discriminator D: one example's logits in, one number out.

With r = D(x) what the discriminator says of a real example and f = D(G(z)) of a generated one, before any sigmoid σ:

                     discriminator                     generator
    minimax          −log σ(r) − log(1 − σ(f))         log(1 − σ(f))
    non_saturating   the same                          −log σ(f)
    wasserstein      f − r                             −f
    hinge            max(0, 1 − r) + max(0, 1 + f)     −f
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Logit = Float[Array, ""]


def discriminator_cross_entropy(real: Float[Array, ""], generated: Float[Array, ""]) -> Float[Array, ""]:
    """What telling a real example from a generated one costs, in nats: in expectation −V of the minimax game.

        −log σ(r) − log(1 − σ(f))

    Minimal in expectation at r = log p(x) − log q(x), which is ``optimal_discriminator``'s logit; the minimum is
    log 4 − 2 JSD(p, q), at most log 4 = 1.386 for who guesses. Goodfellow et al. 2014, equation 1. Lecture 003, 4.2.
    """
    return jax.nn.softplus(-real) + jax.nn.softplus(generated)


def minimax_generator(generated: Float[Array, ""]) -> Float[Array, ""]:
    """The generator's part of the value of the game, in nats, which it minimises:  log(1 − σ(f)).

    Its derivative −σ(f) vanishes where the discriminator is sure, as it is at first. Goodfellow et al. 2014, equation
    1. Lecture 003, section 4.2.
    """
    return -jax.nn.softplus(generated)


def non_saturating_generator(generated: Float[Array, ""]) -> Float[Array, ""]:
    """How surprised the discriminator would be if the generated example were real, in nats:  −log σ(f).

    Its derivative σ(f) − 1 is strongest where the discriminator is sure. At the optimal discriminator its gradient is
    that of KL(q ‖ p) − 2 JSD(p, q) (Arjovsky & Bottou 2017, theorem 2.5). Goodfellow et al. 2014, section 3.
    """
    return jax.nn.softplus(-generated)


def wasserstein_critic(real: Float[Array, ""], generated: Float[Array, ""]) -> Float[Array, ""]:
    """Minus what a critic finds between a real and a generated example:  f − r, in the critic's unit.

    Over critics of Lipschitz constant 1 the minimum in expectation is minus the Wasserstein-1 distance. Arjovsky et al.
    2017, equation 2.
    """
    return generated - real


def wasserstein_generator(generated: Float[Array, ""]) -> Float[Array, ""]:
    """Minus the critic's opinion of the generated example:  −f.

    Arjovsky et al. 2017, algorithm 1; with the hinge too, Lim & Ye 2017.
    """
    return -generated


def hinge_discriminator(real: Float[Array, ""], generated: Float[Array, ""]) -> Float[Array, ""]:
    """What is missing to a margin of 1 on either side:  max(0, 1 − r) + max(0, 1 + f).

    Minimal in expectation at sign(p − q), where it is 2 − 2 TV(p, q), twice one minus the total variation. Lim & Ye
    2017; Miyato et al. 2018, equation 16.
    """
    return jax.nn.relu(1 - real) + jax.nn.relu(1 + generated)


def gradient_penalty(gradient: Float[Array, "*shape"]) -> Float[Array, ""]:
    """How far a critic's slope at one place is from 1:  (‖∇D(x̂)‖₂ − 1)².

    The derivative is 0 where the gradient is. Gulrajani et al. 2017, equation 3, where its weight is 10.
    """
    square = jnp.sum(gradient**2)
    flat = square == 0
    norm = jnp.where(flat, 0.0, jnp.sqrt(jnp.where(flat, 1.0, square)))
    return (norm - 1) ** 2


def between(
    real: Float[Array, "*shape"], generated: Float[Array, "*shape"], share: Float[Array, ""]
) -> Float[Array, "*shape"]:
    """The place x̂ = ε x + (1 − ε) x̃ on the way from a generated to a real example at which a slope is looked at.

    ``share`` ε is drawn uniformly from 0 to 1. Gulrajani et al. 2017, algorithm 1.
    """
    return share * real + (1 - share) * generated


def optimal_discriminator(log_density: Float[Array, ""], other_log_density: Float[Array, ""]) -> Float[Array, ""]:
    """The probability that an example is real, if log p(x) and log q(x) are known.

        D*(x) = p(x) / (p(x) + q(x)) = σ(log p(x) − log q(x))

    ``log_density`` is that of the data, the other the generator's. Goodfellow et al. 2014, proposition 1.
    """
    return jax.nn.sigmoid(log_density - other_log_density)


class AdversarialLoss(NamedTuple):
    """What either side minimises."""

    discriminator: Callable[[Logit, Logit], Float[Array, ""]]
    """of (real, generated)"""
    generator: Callable[[Logit], Float[Array, ""]]
    """of what is generated"""


ADVERSARIAL_LOSSES: dict[str, AdversarialLoss] = {
    "minimax": AdversarialLoss(discriminator_cross_entropy, minimax_generator),
    "non_saturating": AdversarialLoss(discriminator_cross_entropy, non_saturating_generator),
    "wasserstein": AdversarialLoss(wasserstein_critic, wasserstein_generator),
    "hinge": AdversarialLoss(hinge_discriminator, wasserstein_generator),
}
"""By name."""
