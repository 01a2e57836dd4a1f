"""The GPT against its equations in NumPy, in what it must not see, and against itself without memory."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import Case
from scipy.special import erf

from models.continuation import continue_text, window_start
from models.gpt import GPT
from models.layers.drawing import draw_symbol
from models.transformer import Shape


def prompted(rng):
    """A small model with parameters of NumPy, a key and a prompt."""
    model = GPT(symbols=4, context=4, shape=Shape(1, heads=1, width=4, hidden=3))
    params = model.init(jax.random.key(0), jnp.zeros((1, 4), jnp.int32))
    drawn = jax.tree.map(lambda leaf: rng.normal(size=leaf.shape), params)
    return model, drawn, jax.random.key(int(rng.integers(9))), np.array([1, 2], np.int32)


CASES = {
    continue_text: Case(prompted, options={"count": 4, "draw": draw_symbol}, constant_almost_everywhere=True),
}
TEXT = jnp.asarray([[3, 0, 2, 2, 1, 3], [1, 1, 0, 2, 3, 0]])


def drawn(model, text):
    """Parameters large enough that nothing is nearly uniform, biases and gains included."""
    params = model.init(jax.random.key(0), text)
    leaves, structure = jax.tree.flatten(params)
    keys = jax.random.split(jax.random.key(1), len(leaves))
    return structure.unflatten(
        [0.5 * jax.random.normal(key, leaf.shape, jnp.float64) for key, leaf in zip(keys, leaves, strict=True)]
    )


@pytest.fixture
def net(float64):
    model = GPT(symbols=4, context=8, shape=Shape(2, heads=2, width=6, hidden=5))
    return model, drawn(model, TEXT)


def normalized(x, own):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5) * own["scale"] + own["bias"]


def affine(x, own):
    return x @ own["kernel"] + own["bias"]


def attended(x, own, heads):
    """A loop over places and heads: place t sees places 0 to t."""
    queries, keys, values = np.split(affine(x, own["query_key_value"]), 3, axis=-1)
    size, outputs = x.shape[-1] // heads, np.zeros_like(x)
    for t in range(len(x)):
        for h in range(heads):
            part = slice(h * size, (h + 1) * size)
            weights = np.exp([queries[t, part] @ keys[s, part] / np.sqrt(size) for s in range(t + 1)])
            outputs[t, part] = weights / weights.sum() @ values[: t + 1, part]
    return affine(outputs, own["output"])


def by_hand(params, text, norm):
    x = params["embedding"][text] + params["positions"][: len(text)]
    for number in range(2):
        own = params[f"blocks_{number}"]
        feed_forward = own["feed_forward"]

        def layer(x, own=feed_forward):
            hidden = affine(x, own["Dense_0"])
            return affine(hidden * 0.5 * (1 + erf(hidden / np.sqrt(2))), own["Dense_1"])

        branches = (lambda x, own=own: attended(x, own["attention"], 2), layer)
        for place, branch in enumerate(branches):
            gains = own[f"norms_{place}"]
            x = x + branch(normalized(x, gains)) if norm == "before" else normalized(x + branch(x), gains)
    return normalized(x, params["norm"]) @ params["embedding"].T


@pytest.mark.parametrize("norm", ["before", "after"])
def test_its_numbers_are_those_of_the_equations(norm, float64):
    model = GPT(symbols=4, context=8, shape=Shape(2, heads=2, width=6, hidden=5, norm=norm))
    params = drawn(model, TEXT)
    expected = [
        by_hand(jax.tree.map(np.asarray, params["params"]), np.asarray(text), model.shape.norm) for text in TEXT
    ]
    np.testing.assert_allclose(model.apply(params, TEXT), expected, atol=1e-9)


def test_a_later_symbol_changes_no_earlier_logit(net):
    model, params = net
    whole = np.asarray(model.apply(params, TEXT))
    changed = np.asarray(model.apply(params, TEXT.at[:, 4].set((TEXT[:, 4] + 1) % 4)))
    np.testing.assert_array_equal(changed[:, :4], whole[:, :4])
    assert (np.abs(changed[:, 4:] - whole[:, 4:]).max(-1) > 1e-3).all()


def test_remembered_is_read_again(net):
    """In parts of 2, 1 and 3 places, the logits are those of the whole; also for one text without a batch."""
    model, params = net
    extend = jax.jit(partial(model.apply, method="extend"))
    for text in (TEXT, TEXT[0]):
        memory, parts, start = model.apply(params, *text.shape[:-1], method="empty_memory"), [], 0
        for length in (2, 1, 3):
            part = text[..., start : start + length]
            logits, memory = extend(params, part, memory, jnp.int32(start))
            parts.append(logits)
            start += length
        np.testing.assert_allclose(jnp.concatenate(parts, -2), model.apply(params, text), atol=1e-9)


def test_a_text_longer_than_the_context_is_refused(net):
    model, params = net
    with pytest.raises(ValueError, match="9 symbols are longer than the context of 8"):
        model.apply(params, jnp.zeros(9, jnp.int32))


def test_a_window_moves_when_it_is_full():
    """Of a context of 8, four symbols stay; of 5, two."""
    assert [window_start(place, context=8) for place in range(18)] == [0] * 8 + [4] * 4 + [8] * 4 + [12] * 2
    assert [window_start(place, context=5) for place in range(13)] == [0] * 5 + [3] * 3 + [6] * 3 + [9] * 2


@pytest.mark.parametrize(("read", "count"), [(1, 20), (11, 20), (1, 2), (2, 0)])
def test_a_text_goes_on_as_without_memory(net, read, count):
    """Over three windows of the context, after prompts that are shorter than it and longer; and within a window."""
    model, params = net
    prompt = jax.random.randint(jax.random.key(2), (read,), 0, 4)
    keys = jax.random.split(jax.random.key(3), count)
    forward = jax.jit(model.apply)

    def chosen(key, logits):
        return jax.random.categorical(key, logits)

    text = prompt.tolist()
    for key in keys:
        place = len(text) - 1
        window = text[window_start(place, context=8) :]
        padded = jnp.asarray(window + [0] * (8 - len(window)))
        text.append(int(chosen(key, forward(params, padded)[len(window) - 1])))
    found = jax.jit(lambda params: continue_text(model, params, jax.random.key(3), prompt, count=count, draw=chosen))
    assert found(params).tolist() == text[read:]


def test_a_shorter_text_is_the_head_of_a_longer(net):
    model, params = net

    def chosen(key, logits):
        return jax.random.categorical(key, logits)

    long, short = (
        continue_text(model, params, jax.random.key(4), jnp.asarray([1]), count=count, draw=chosen) for count in (12, 5)
    )
    assert long[:5].tolist() == short.tolist()


def test_nothing_goes_on_from_nothing(net):
    model, params = net
    with pytest.raises(ValueError, match="at least one symbol"):
        continue_text(model, params, jax.random.key(0), jnp.zeros(0, jnp.int32), count=3, draw=jax.random.categorical)


def test_it_begins_as_gpt_2_does():
    """Kernels of deviation 0.02, those that end a residual branch less by √(2 · depth); the loss that of guessing."""
    model = GPT(symbols=65, context=64, shape=Shape(4, heads=4, width=128, hidden=512, bias=False))
    params = model.init(jax.random.key(0), jnp.zeros((1, 64), jnp.int32))
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == 804_096  # nanoGPT's 0.80 M
    block = params["params"]["blocks_3"]
    assert float(block["feed_forward"]["Dense_0"]["kernel"].std()) == pytest.approx(0.02, rel=0.02)
    assert float(block["feed_forward"]["Dense_1"]["kernel"].std()) == pytest.approx(0.02 / 8**0.5, rel=0.02)
    assert float(block["attention"]["output"]["kernel"].std()) == pytest.approx(0.02 / 8**0.5, rel=0.02)
    logits = model.apply(params, jax.random.randint(jax.random.key(1), (64,), 0, 65))
    assert float(-jax.nn.log_softmax(logits)[:, 3].mean()) == pytest.approx(np.log(65), abs=0.05)
