"""Each objective by NumPy, its derivative in closed form, and on linear nets the best image."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from cases import Case

from losses.activation import filter_activation, layer_activation, unit_activation
from models.layers.perturbation import within_l2
from train.regularization import projected

CHANNEL = Case(lambda rng: (rng.normal(size=(3, 4, 2)), np.array(1)))
CASES = {unit_activation: CHANNEL, filter_activation: CHANNEL}
RNG = np.random.default_rng(0)


@pytest.mark.parametrize("shape", [(4, 5, 3), (1, 1, 7), (3, 2, 1)])
def test_unit_filter_and_layer_are_what_numpy_finds(float64, shape):
    features, channel = RNG.normal(size=shape), shape[-1] - 1
    given, traced = jnp.asarray(features), jnp.asarray(channel)
    assert unit_activation(given, traced) == features[shape[0] // 2, shape[1] // 2, channel]
    np.testing.assert_allclose(filter_activation(given, traced), features[:, :, channel].mean(), rtol=1e-12)
    np.testing.assert_allclose(layer_activation(given), (features**2).mean() / 2, rtol=1e-12)
    np.testing.assert_allclose(jax.grad(layer_activation)(given), features / features.size, rtol=1e-12)


def ascended(objective, start, project, steps=3000, rate=0.05):
    optimizer = optax.chain(optax.sgd(rate), projected(project))

    def step(state, _):
        image, moved = state
        updates, moved = optimizer.update(jax.grad(lambda x: -objective(x))(image), moved, image)
        return (optax.apply_updates(image, updates), moved), None

    return jax.jit(lambda x: jax.lax.scan(step, (x, optimizer.init(x)), length=steps)[0][0])(start)


WEIGHTS, PENALTY = RNG.normal(size=8), 0.4


def linear(x):
    """The unit of one filter of a linear layer, less the penalty."""
    features = jnp.reshape(jnp.stack([x @ WEIGHTS, -x.sum()]), (1, 1, 2))
    return unit_activation(features, jnp.asarray(0))


BEST = {
    "squared norm": (lambda x: linear(x) - PENALTY * x @ x, lambda x: x, WEIGHTS / (2 * PENALTY)),
    "squared norm in a range": (
        lambda x: linear(x) - PENALTY * x @ x,
        lambda x: jnp.clip(x, 0, 1),
        np.clip(WEIGHTS / (2 * PENALTY), 0, 1),
    ),
    "range": (linear, lambda x: jnp.clip(x, 0, 1), (WEIGHTS > 0).astype(float)),
    "ball": (
        linear,
        lambda x: within_l2(x, jnp.zeros(8), radius=1.5),
        1.5 * WEIGHTS / np.linalg.norm(WEIGHTS),
    ),
}
"""What is maximised, where images are kept, and the best image in closed form."""


@pytest.mark.parametrize("name", BEST)
def test_on_a_linear_net_ascent_ends_at_the_closed_form(float64, name):
    objective, project, best = BEST[name]
    found = ascended(objective, jnp.asarray(RNG.uniform(size=8)), project)
    np.testing.assert_allclose(found, best, atol=1e-6)
    others = np.asarray(jax.vmap(project)(jnp.asarray(best + RNG.normal(size=(5000, 8)))))
    assert jax.vmap(objective)(jnp.asarray(others)).max() <= objective(found) + 1e-9
