"""Codes of two levels against brute force, and the prior over them against the enumeration of all rows of codes."""

from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case
from programs import jit_of_draws

from models.hierarchical_vqvae import HierarchicalVQVAE, draw_indices, grids, prior_network
from models.transformer import Shape

CODES, DIMENSIONS, OUTPUTS = 2, 3, 2


def model_of(image_shape, codes=CODES, labels=2):
    prior = prior_network(image_shape, codes=codes, labels=labels, shape=Shape(1, 2, 8, 8))
    return HierarchicalVQVAE(image_shape, OUTPUTS, 4, 1, codes, DIMENSIONS, prior)


def params_of(model, rng, scale=1.0):
    """Random parameters, so that no bias is 0 and no distribution of the prior nearly uniform."""
    image, label = jnp.zeros((1, *model.image_shape), jnp.float32), jnp.zeros(1, jnp.int32)
    shapes = jax.eval_shape(model.init, jax.random.key(0), image, label)
    return jax.tree.map(lambda leaf: (scale * rng.normal(size=leaf.shape)).astype(np.float32), shapes)


def drawn(rng):
    model = model_of((4, 4, 1))
    return model, params_of(model, rng), jax.random.key(rng.integers(100)), jnp.int32(1)


CASES = {draw_indices: Case(drawn, constant_almost_everywhere=True)}


@pytest.fixture(scope="module")
def odd():
    """Images whose sides are no multiples of 4."""
    model = model_of((6, 7, 3), codes=7)
    rng = np.random.default_rng(0)
    return model, jax.device_put(params_of(model, rng, 0.5)), jnp.asarray(rng.normal(size=(3, 6, 7, 3)), jnp.float32)


def test_fields_are_a_half_and_a_quarter_of_the_image(odd):
    model, params, images = odd
    assert grids((6, 7, 3)) == {"top": (2, 2), "bottom": (3, 4)}
    assert grids((256, 256, 3)) == {"top": (64, 64), "bottom": (128, 128)}
    result = jax.jit(model.apply)(params, images, jnp.zeros(3, jnp.int32))
    assert {name: result[name].indices.shape for name in ("top", "bottom")} == {"top": (3, 4), "bottom": (3, 12)}
    assert result["decoded"].shape == (3, 6, 7, 3, OUTPUTS)


def test_every_position_has_the_nearest_code_of_its_level(odd):
    model, params, images = odd
    levels = jax.jit(lambda images: model.apply(params, images, method="encode"))(images)
    for name, level in levels._asdict().items():
        codebook = np.asarray(params["params"][name])
        distances = ((np.asarray(level.vectors)[:, :, None] - codebook) ** 2).sum(-1)
        np.testing.assert_array_equal(level.indices, distances.argmin(-1))
        np.testing.assert_array_equal(level.codes, codebook[np.asarray(level.indices)])
        assert len(np.unique(level.indices)) > 1


def test_codes_and_their_indices_decode_alike(odd):
    model, params, images = odd

    @jax.jit
    def decoded(images):
        indices = model.apply(params, images, method="indices")
        return model.apply(params, images, jnp.zeros(3, jnp.int32))["decoded"], model.apply(
            params, indices, method="decode_indices"
        )

    np.testing.assert_allclose(*decoded(images), rtol=1e-5, atol=1e-5)


def test_the_bottom_level_sees_the_codes_of_the_top(odd):
    """With the top's codebook exchanged the bottom's vectors change, the top's do not."""
    model, params, images = odd
    other = {"params": params["params"] | {"top": params["params"]["top"] + 1}}
    encode = jax.jit(lambda params: model.apply(params, images, method="encode"))
    before, after = encode(params), encode(other)
    np.testing.assert_array_equal(before.top.vectors, after.top.vectors)
    assert np.abs(np.asarray(before.bottom.vectors - after.bottom.vectors)).min(axis=-1).max() > 1e-3


def test_reconstruction_reaches_both_encoders_and_the_prior_reaches_none(odd):
    model, params, images = odd

    def gradient_of(name):
        def energy(params):
            return jnp.sum(model.apply(params, images, jnp.zeros(3, jnp.int32))[name] ** 2)

        return jax.jit(jax.grad(energy))(params)["params"]

    of_image, of_prior = (
        {name for name, part in each.items() if any(np.abs(leaf).max() > 0 for leaf in jax.tree.leaves(part))}
        for each in map(gradient_of, ("decoded", "prior_logits"))
    )
    assert of_prior == {"prior"}
    assert {"bottom_encoder", "top_encoder", "to_top", "to_bottom", "decoder"} <= of_image
    assert not of_image & {"top", "bottom", "prior"}  # codebooks have a loss of their own


@pytest.fixture(scope="module")
def enumerated():
    """A model of 2 × 2 images, all rows of its 1 + 1 codes, and their probabilities given each label."""
    model = model_of((4, 2, 1), codes=3)
    params = jax.device_put(params_of(model, np.random.default_rng(0)))
    rows = jnp.array(list(product(range(3), repeat=3)), jnp.int32)

    def probabilities(label):
        logits = model.apply(params, rows, jnp.full(len(rows), label), method="prior_logits")
        return jnp.take_along_axis(jax.nn.log_softmax(logits), rows[..., None], axis=-1).sum(axis=(1, 2))

    return model, params, rows, np.exp(jax.jit(jax.vmap(probabilities))(jnp.arange(2)))


def test_the_prior_is_a_distribution_over_rows_of_codes(enumerated):
    _, _, _, probabilities = enumerated
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    assert np.abs(probabilities[0] - probabilities[1]).max() > 0.02  # and it hears the label


def test_no_logit_sees_its_own_index_or_a_later_one(enumerated):
    model, params, rows, _ = enumerated
    logits = jax.jit(lambda rows: model.apply(params, rows, jnp.zeros(len(rows), jnp.int32), method="prior_logits"))
    of_rows, rows = np.asarray(logits(rows)), np.asarray(rows)
    for place in range(3):
        for row in rows:
            same = (rows[:, :place] == row[:place]).all(axis=1)
            np.testing.assert_allclose(np.ptp(of_rows[same, place], axis=0), 0, atol=1e-5)


def test_rows_are_drawn_as_often_as_the_prior_says(enumerated):
    """The frequencies of 4,000 draws, within five standard deviations of each."""
    model, params, rows, probabilities = enumerated
    draw = jit_of_draws(lambda keys, label: jax.vmap(lambda key: draw_indices(model, params, key, label))(keys))
    for label in (0, 1):
        drawn = np.asarray(draw(jax.random.split(jax.random.key(3), 4000), jnp.int32(label)))
        counts = (drawn[:, None] == np.asarray(rows)).all(axis=-1).sum(axis=0)
        assert counts.sum() == 4000
        expected = 4000 * probabilities[label]
        assert (np.abs(counts - expected) < 5 * np.sqrt(expected) + 1).all()
