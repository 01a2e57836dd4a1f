"""On a linear model attacks have a closed form; on others they stay where they may go, and the loss rises."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from cases import Case

from losses.attacks import fast_gradient, projected_gradient

UNCLIPPED = (-np.inf, np.inf)


def bowl(image):
    return jnp.sum(jnp.sin(image) + image**2)


CASES = {
    fast_gradient: Case(
        lambda rng: (bowl, rng.normal(size=(3, 2))), options={"radius": 0.1, "norm": "l2", "clip": UNCLIPPED}
    ),
    projected_gradient: Case(
        lambda rng: (bowl, rng.normal(size=(3, 2)), rng.normal(size=(3, 2))),
        options={"radius": 0.1, "step_size": 0.03, "steps": 3, "norm": "l2", "clip": UNCLIPPED},
    ),
}
RNG = np.random.default_rng(0)
ORDERS = {"linf": np.inf, "l2": 2}
SIZE, RADIUS = 6, 0.3


def binary_regression():
    """The loss log(1 + exp(−s (wᵀx + b))) of an image, its weights, and the sign s."""
    weights, sign = jnp.asarray(RNG.normal(size=SIZE)), -1.0
    return lambda image: jax.nn.softplus(-sign * (weights @ image + 0.2)), np.asarray(weights), sign


@pytest.mark.parametrize(("norm", "dual"), [("linf", 1), ("l2", 2)])
def test_on_a_linear_model_one_step_is_the_best_there_is(float64, norm, dual):
    """The margin falls by exactly ε ‖w‖ in the dual norm: Goodfellow et al. 2015, section 5."""
    loss, weights, sign = binary_regression()
    image = jnp.asarray(RNG.uniform(size=SIZE))
    attacked = fast_gradient(loss, image, radius=RADIUS, norm=norm, clip=UNCLIPPED)
    margin = sign * (weights @ image + 0.2) - RADIUS * np.linalg.norm(weights, dual)
    np.testing.assert_allclose(loss(attacked), np.log1p(np.exp(-margin)), rtol=1e-12)
    changes = RNG.uniform(-1, 1, (20_000, SIZE))
    changes *= RADIUS / np.linalg.norm(changes, ORDERS[norm], axis=1, keepdims=True)
    assert loss(attacked) >= jax.vmap(loss)(image + changes).max()


def test_within_a_range_it_is_the_best_corner(float64):
    """All 2⁶ corners of the part of the cube that lies within [0, 1]."""
    loss, _, _ = binary_regression()
    image = jnp.asarray(RNG.uniform(size=SIZE))
    attacked = fast_gradient(loss, image, radius=0.6, clip=(0.0, 1.0))
    ends = zip(np.clip(image - 0.6, 0, 1), np.clip(image + 0.6, 0, 1), strict=True)
    corners = jnp.asarray(list(itertools.product(*ends)))
    np.testing.assert_allclose(loss(attacked), jax.vmap(loss)(corners).max(), rtol=1e-12)
    assert 0 <= attacked.min() <= attacked.max() <= 1


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_on_a_linear_model_steps_from_anywhere_end_at_the_same_best(float64, norm):
    loss, _, _ = binary_regression()
    image = jnp.asarray(RNG.uniform(size=SIZE))
    options = dict(radius=RADIUS, norm=norm, clip=UNCLIPPED)
    best = fast_gradient(loss, image, **options)
    for start in (image, image + jnp.asarray(RNG.normal(size=SIZE))):
        found = projected_gradient(loss, image, start, step_size=RADIUS / 4, steps=400, **options)
        np.testing.assert_allclose(found, best, atol=1e-3)


def test_one_step_as_long_as_the_radius_is_the_fast_gradient(float64):
    image = jnp.asarray(RNG.uniform(size=(4, 3)))
    options = dict(radius=0.2, clip=(0.0, 1.0))
    np.testing.assert_array_equal(
        projected_gradient(bowl, image, image, step_size=0.2, steps=1, **options), fast_gradient(bowl, image, **options)
    )


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_it_stays_in_the_ball_and_in_the_range_and_the_loss_rises(float64, norm):
    hidden, output = (jnp.asarray(RNG.normal(size=shape)) for shape in ((SIZE, 8), (8, 3)))

    def loss(image, label):
        return optax.losses.softmax_cross_entropy_with_integer_labels(jnp.tanh(image @ hidden) @ output, label)

    image = jnp.asarray(RNG.uniform(size=SIZE))
    options = dict(radius=RADIUS, norm=norm, clip=(0.0, 1.0))

    def attacked(attack, **more):
        return attack(lambda x: loss(x, 0), image, **options, **more)

    once, often = attacked(fast_gradient), attacked(projected_gradient, start=image, step_size=0.05, steps=30)
    for each in (once, often):
        assert np.linalg.norm(each - image, ORDERS[norm]) <= RADIUS + 1e-12
        assert 0 <= each.min() <= each.max() <= 1
    assert loss(often, 0) >= loss(once, 0) > loss(image, 0)
    targeted = projected_gradient(lambda x: -loss(x, 2), image, image, step_size=0.05, steps=30, **options)
    assert loss(targeted, 2) < loss(image, 2)
