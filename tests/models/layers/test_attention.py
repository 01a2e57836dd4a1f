"""Attention against JAX' own, against sums written out, and in what must not change it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case

from models.layers.attention import (
    additive_scores,
    attend,
    attention_weights,
    causal_mask,
    dot_product_scores,
    length_mask,
    mix_values,
    multi_head_attention,
    projected_scores,
    scaled_dot_product_scores,
    sinusoidal_positions,
)

MASK = np.array([[1, 0, 1, 0], [0, 1, 0, 0], [1, 1, 1, 1]], bool)
CASES = {
    # Weights sum to 1, so the sum's gradient is 0; to the bit with halves and quarters.
    attention_weights: Case(lambda rng: (np.zeros((3, 4)), MASK), constant_almost_everywhere=True),
    attend: Case(lambda rng: (rng.normal(size=(3, 4)), rng.normal(size=(4, 2)), MASK)),
    multi_head_attention: Case(
        lambda rng: (rng.normal(size=(2, 3, 2, 4)), rng.normal(size=(2, 3, 2, 4)), rng.normal(size=(2, 3, 2, 5)))
    ),
    length_mask: Case(options={"places": 4}),
    sinusoidal_positions: Case(lambda rng: (rng.integers(0, 9, 3),), {"size": 4}),
}


@pytest.fixture
def drawn(float64):
    """Queries, keys and values [batch, places, heads, size], and a mask under which every query sees a key."""
    rng = np.random.default_rng(0)
    queries, keys, values = (jnp.asarray(rng.normal(size=(2, places, 3, 4))) for places in (5, 6, 6))
    mask = rng.random((2, 5, 6)) < 0.5
    mask[:, :, 2] = True
    return queries, keys, values, jnp.asarray(mask)


def test_several_heads_are_jax_own(drawn):
    """Which promotes its own constants, and sums in float32 whatever it is given."""
    queries, keys, values, mask = drawn
    with jax.numpy_dtype_promotion("standard"):
        expected = jax.nn.dot_product_attention(queries, keys, values, mask=mask[:, None])
        everything = jax.nn.dot_product_attention(queries, keys, values)
    np.testing.assert_allclose(multi_head_attention(queries, keys, values, mask), expected, atol=1e-6)
    np.testing.assert_allclose(multi_head_attention(queries, keys, values), everything, atol=1e-6)


def test_several_heads_are_single_heads_side_by_side(drawn):
    queries, keys, values, mask = drawn
    for head in range(3):
        scores = dot_product_scores(queries[0, :, head], keys[0, :, head]) / 2.0
        alone = attend(scores, values[0, :, head], mask[0])
        np.testing.assert_allclose(multi_head_attention(*drawn)[0, :, head], alone, atol=1e-12)


def test_keys_that_move_with_their_values_change_nothing(drawn):
    queries, keys, values, mask = drawn
    order = np.array([3, 1, 5, 0, 2, 4])
    moved = multi_head_attention(queries, keys[:, order], values[:, order], mask[:, :, order])
    np.testing.assert_allclose(moved, multi_head_attention(*drawn), atol=1e-12)


def test_weights_sum_to_one_over_what_is_seen(drawn):
    queries, keys, _, mask = drawn
    weights = attention_weights(scaled_dot_product_scores(queries, keys), mask[:, None])
    np.testing.assert_allclose(weights.sum(-1), 1.0, atol=1e-12)
    assert (np.asarray(weights)[np.broadcast_to(~mask[:, None], weights.shape)] == 0).all()


def test_a_query_that_sees_no_key_attends_to_nothing(drawn):
    """Its output and its gradients are 0, and those of its neighbours are as without it."""
    queries, keys, values, mask = drawn
    mask = mask.at[0, 1].set(False)

    def total(queries, keys, values):
        outputs = multi_head_attention(queries, keys, values, mask)
        return (outputs**2).sum(), outputs

    (_, outputs), gradients = jax.value_and_grad(total, (0, 1, 2), has_aux=True)(queries, keys, values)
    assert (outputs[0, 1] == 0).all()
    assert (gradients[0][0, 1] == 0).all()
    assert all(np.isfinite(gradient).all() for gradient in gradients)
    without = np.delete(np.arange(5), 1)
    alone = multi_head_attention(queries[:, without], keys, values, mask[:, without])
    np.testing.assert_allclose(outputs[:, without], alone, atol=1e-12)


def test_additive_scores_are_the_hidden_layer_of_each_pair(float64):
    rng = np.random.default_rng(1)
    shapes = ((3, 2), (4, 5), (2, 6), (5, 6), (6,))
    queries, keys, query_kernel, key_kernel, combination = (rng.normal(size=shape) for shape in shapes)
    expected = [[combination @ np.tanh(query_kernel.T @ q + key_kernel.T @ k) for k in keys] for q in queries]
    given = (jnp.asarray(each) for each in (queries, keys, query_kernel, key_kernel, combination))
    np.testing.assert_allclose(additive_scores(*given), expected, atol=1e-12)


def test_projected_scores_are_those_of_one_head(float64):
    rng = np.random.default_rng(2)
    queries, keys, query_kernel, key_kernel = (
        jnp.asarray(rng.normal(size=shape)) for shape in ((3, 2), (4, 5), (2, 6), (5, 6))
    )
    one_head = scaled_dot_product_scores((queries @ query_kernel)[:, None], (keys @ key_kernel)[:, None])[0]
    np.testing.assert_allclose(projected_scores(queries, keys, query_kernel, key_kernel), one_head, atol=1e-12)


def test_scaled_scores_of_standard_normal_entries_have_variance_one():
    """To five standard errors of 10,000 products; inner products without the division would have variance 64."""
    rng = np.random.default_rng(3)
    queries, keys = (jnp.asarray(rng.normal(size=(100, 1, 64)), jnp.float32) for _ in range(2))
    assert float(scaled_dot_product_scores(queries, keys).var()) == pytest.approx(1.0, abs=0.15)


def test_causality_is_of_places_not_of_rows():
    """The last two of six queries, as with keys that are remembered, see five and six keys."""
    np.testing.assert_array_equal(causal_mask(jnp.arange(6), jnp.arange(6)), np.tril(np.ones((6, 6), bool)))
    np.testing.assert_array_equal(causal_mask(jnp.array([4, 5]), jnp.arange(6)), np.tril(np.ones((6, 6)))[4:] > 0)


def test_a_length_shows_its_first_places():
    assert length_mask(jnp.int32(2), places=4).tolist() == [True, True, False, False]
    assert not length_mask(jnp.int32(0), places=3).any()


def test_sinusoidal_positions_are_the_papers(float64):
    places, size = np.array([0, 1, 7, 100]), 8
    found = np.asarray(sinusoidal_positions(jnp.asarray(places), size=size))
    for row, place in zip(found, places, strict=True):
        for i in range(size // 2):
            angle = place / 10000 ** (2 * i / size)
            assert row[2 * i : 2 * i + 2] == pytest.approx((np.sin(angle), np.cos(angle)), abs=1e-12)


def test_a_shift_is_one_rotation_for_all_places(float64):
    """p(t + 3) = R p(t), with the R that least squares finds."""
    encodings = np.asarray(sinusoidal_positions(jnp.arange(40), size=8))
    before, after = encodings[:-3], encodings[3:]
    rotation, *_ = np.linalg.lstsq(before, after, rcond=None)
    np.testing.assert_allclose(before @ rotation, after, atol=1e-6)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(8), atol=1e-6)


def test_an_odd_size_is_refused():
    with pytest.raises(ValueError, match="got the size 5"):
        sinusoidal_positions(jnp.arange(3), size=5)


def test_half_precision_is_summed_in_float32():
    """1,000 equal scores: in bfloat16 alone their sum would stop at 256."""
    weights = attention_weights(jnp.zeros((1, 1000), jnp.bfloat16))
    assert weights.dtype == jnp.bfloat16
    np.testing.assert_allclose(np.asarray(weights, np.float32), 1e-3, rtol=2**-8)


def test_mixed_values_are_the_sum_written_out(float64):
    rng = np.random.default_rng(4)
    weights, values = rng.random((2, 3, 4)), rng.normal(size=(4, 2, 5))
    expected = [[sum(weights[h, i, j] * values[j, h] for j in range(4)) for h in range(2)] for i in range(3)]
    np.testing.assert_allclose(mix_values(jnp.asarray(weights), jnp.asarray(values)), expected, atol=1e-12)
