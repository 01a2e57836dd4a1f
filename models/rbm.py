"""The restricted Boltzmann machine: binary visible and hidden units, with weights between the layers and none within.

    p(v, h) = exp(−E(v, h)) / Z,   E(v, h) = −aᵀv − bᵀh − vᵀW h

Smolensky 1986 ("harmonium"); Hinton 2002; Hinton 2010, "A practical guide to training restricted Boltzmann machines".
Lecture 002, "Autoencoders - History". Its logarithm of the partition function is in ``models/rbm_partition.py``.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key


class RBM(NamedTuple):
    """W, a and b of the energy, or anything that has their shapes, such as a gradient."""

    weights: Float[Array, "visible hidden"]
    visible_bias: Float[Array, " visible"]
    hidden_bias: Float[Array, " hidden"]


def independent_bias(mean_visible: Float[Array, " visible"]) -> Float[Array, " visible"]:
    """The visible biases at which units without weights have these means, which are kept within [0.01, 0.99].

        a_i = log p_i / (1 − p_i)

    Hinton 2010, section 8.1.
    """
    mean = jnp.clip(mean_visible, 0.01, 0.99)
    return jnp.log(mean) - jnp.log1p(-mean)


def init_rbm(
    key: Key[Array, ""], mean_visible: Float[Array, " visible"], *, hidden: int, deviation: float = 0.01
) -> RBM:
    """Small random weights W ~ N(0, deviation²), hidden biases of 0, and the data's means: nearly independent units.

    Hinton 2010, section 8.1.
    """
    weights = deviation * jax.random.normal(key, (mean_visible.shape[0], hidden), mean_visible.dtype)
    return RBM(weights, independent_bias(mean_visible), jnp.zeros(hidden, mean_visible.dtype))


def transpose(rbm: RBM) -> RBM:
    """The same distribution, with the names of the two layers exchanged: (Wᵀ, b, a).

    What is true of one layer is so of the other. With these weights for its second layer a deep belief net is the RBM
    itself, which is where greedy stacking begins: Hinton et al. 2006, section 4.
    """
    return RBM(rbm.weights.T, rbm.hidden_bias, rbm.visible_bias)


def energy(rbm: RBM, visible: Float[Array, " visible"], hidden: Float[Array, " hidden"]) -> Float[Array, ""]:
    """E(v, h) of one configuration, in nats: −log p(v, h) up to log Z.

        E(v, h) = −aᵀv − bᵀh − vᵀW h

    Hinton 2010, equation 1.
    """
    return -rbm.visible_bias @ visible - rbm.hidden_bias @ hidden - visible @ rbm.weights @ hidden


def free_energy(rbm: RBM, visible: Float[Array, " visible"]) -> Float[Array, ""]:
    """F(v) = −log Σ_h exp(−E(v, h)), in nats: −log p(v) up to log Z. The sum over h is a product over units.

        F(v) = −aᵀv − Σ_j log(1 + exp(b_j + Σ_i v_i W_ij))

    Hinton 2010, section 16.1.
    """
    return -rbm.visible_bias @ visible - jnp.sum(jax.nn.softplus(rbm.hidden_bias + visible @ rbm.weights))


def pseudo_log_likelihood(rbm: RBM, visible: Float[Array, " visible"]) -> Float[Array, ""]:
    """Σ_i log p(v_i | all other bits), in nats: what can be had without Z.

        Σ_i log σ(F(v with bit i flipped) − F(v))

    Of ``visible`` × ``hidden`` numbers at a time, for one flip changes one term of what each hidden unit sees. Besag
    1975; LISA lab 2015, tutorial on restricted Boltzmann machines, estimates it by one bit an image.
    """
    change = 1 - 2 * visible
    seen = rbm.hidden_bias + visible @ rbm.weights
    flipped = jax.nn.softplus(seen + change[:, None] * rbm.weights) - jax.nn.softplus(seen)
    return jax.nn.log_sigmoid(-change * rbm.visible_bias - flipped.sum(axis=1)).sum()


def hidden_probabilities(rbm: RBM, visible: Float[Array, " visible"]) -> Float[Array, " hidden"]:
    """P(h_j = 1 | v). Given v the hidden units are independent, so these are the whole posterior: mean field is exact.

        σ(b_j + Σ_i v_i W_ij)

    Hinton 2010, equation 7.
    """
    return jax.nn.sigmoid(rbm.hidden_bias + visible @ rbm.weights)


def visible_probabilities(rbm: RBM, hidden: Float[Array, " hidden"]) -> Float[Array, " visible"]:
    """P(v_i = 1 | h), independent given h.

        σ(a_i + Σ_j W_ij h_j)

    Hinton 2010, equation 8.
    """
    return hidden_probabilities(transpose(rbm), hidden)


def gibbs_step(key: Key[Array, ""], rbm: RBM, visible: Float[Array, " visible"]) -> Float[Array, " visible"]:
    """All hidden units drawn given the visible ones, then all visible ones given these; p(v) stays as it is.

        h ~ p(h | v),   v′ ~ p(v | h)

    Block Gibbs sampling: Hinton 2002, section 2; Hinton 2010, section 2.
    """
    up, down = jax.random.split(key)
    hidden = jax.random.bernoulli(up, hidden_probabilities(rbm, visible)).astype(visible.dtype)
    return jax.random.bernoulli(down, visible_probabilities(rbm, hidden)).astype(visible.dtype)


def gibbs_chain(
    key: Key[Array, ""], rbm: RBM, visible: Float[Array, " visible"], *, steps: int
) -> Float[Array, " visible"]:
    """Where ``steps`` Gibbs steps lead from ``visible``; ``ValueError`` where they are fewer than one.

    Hinton 2002, section 2: from a training example, they end at the negative example of CD-k, k = ``steps``.
    """
    if steps < 1:
        raise ValueError(f"a Gibbs chain takes at least one step, got {steps}")
    keys = jax.random.split(key, steps)
    return jax.lax.scan(lambda state, step_key: (gibbs_step(step_key, rbm, state), None), visible, keys)[0]


def contrastive_divergence(
    rbm: RBM, data: Float[Array, "examples visible"], model: Float[Array, "chains visible"]
) -> RBM:
    """The gradient to descend: statistics under ``model`` minus statistics under ``data``, each a mean over its rows.

        ∂W = ⟨v ĥᵀ⟩_model − ⟨v ĥᵀ⟩_data,   ∂a = ⟨v⟩_model − ⟨v⟩_data,   ∂b = ⟨ĥ⟩_model − ⟨ĥ⟩_data

    with ĥ_j = P(h_j = 1 | v). It is the gradient of ⟨F(v)⟩_data − ⟨F(v)⟩_model with the samples held fixed. Its name
    depends on what ``model`` holds:

        samples of p(v)                                  the gradient of −log p(data) itself
        k Gibbs steps from ``data``                      CD-k, Hinton 2002
        chains that go on while the parameters move      persistent CD, Tieleman 2008

    CD-k tends to the first with k → ∞. Hinton 2010, equation 9.
    """
    positive, negative = _mean_statistics(rbm, data), _mean_statistics(rbm, model)
    return jax.tree.map(jnp.subtract, negative, positive)


def _mean_statistics(rbm: RBM, visible: Float[Array, "rows visible"]) -> RBM:
    hidden = jax.vmap(hidden_probabilities, (None, 0))(rbm, visible)
    return RBM(visible.T @ hidden / visible.shape[0], visible.mean(axis=0), hidden.mean(axis=0))
