"""Generated sequences against the problem as it is said, and what knowing nothing costs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.datasets.generated_sequences import (
    ALPHABET,
    BRACKETS,
    COPIED,
    GO,
    TAGS,
    adding_problem,
    brackets,
    copy_memory,
    partners,
)
from experiments.sequences.adding_problem.experiment import inputs_of, squared_loss
from experiments.sequences.copy_memory.experiment import copy_loss

KEYS = jax.random.split(jax.random.key(0), 4)


def test_the_sum_of_the_marked_numbers_is_asked_for_and_always_1_costs_a_sixth():
    train = adding_problem(7, examples=4000).splits["train"]
    marked = np.asarray(train["marked"])
    assert (marked[:, 0] != marked[:, 1]).all()
    np.testing.assert_allclose(np.bincount(marked.ravel(), minlength=7) / marked.size, 1 / 7, atol=0.01)
    inputs = np.asarray(inputs_of(jax.device_put(train)))
    np.testing.assert_array_equal(inputs[..., 1].sum(axis=1), 2)
    np.testing.assert_allclose((inputs[..., 0] * inputs[..., 1]).sum(axis=1), train["target"], rtol=1e-6)
    always = squared_loss(lambda keys, params, inputs: {"outputs": jnp.ones((len(inputs), 1))})
    losses, _ = always((), jax.device_put(train), KEYS)
    assert float(losses.mean()) == pytest.approx(1 / 6, abs=4 * 0.18 / np.sqrt(4000))


@pytest.mark.parametrize(("delay", "printed"), [(20, 0.5199), (1000, 0.02039)])
def test_no_memory_costs_what_is_printed(delay, printed):
    """Bai et al. 2018: an LSTM at 0.0204 with T = 1000 has learnt nothing but when it is asked."""
    batch = copy_memory(delay, examples=4).splits["train"]
    symbols, target = batch["symbols"].astype(int), batch["target"]
    assert symbols.shape == (4, delay + 2 * COPIED)
    np.testing.assert_array_equal(target[:, -COPIED:], symbols[:, :COPIED])
    assert not target[:, :-COPIED].any()
    assert symbols[:, :COPIED].min() >= 1
    assert symbols[:, :COPIED].max() <= ALPHABET
    np.testing.assert_array_equal((symbols == GO).sum(axis=1), COPIED + 1)

    def knows_when_alone(keys, params, symbols):
        asked = (jnp.arange(symbols.shape[1]) >= symbols.shape[1] - COPIED)[:, None]
        nothing = jnp.arange(ALPHABET + 1) == 0
        logits = jnp.where(asked == nothing, -1e9, 0.0)
        return {"outputs": jnp.broadcast_to(logits, (len(symbols), *logits.shape))}

    losses, metrics = copy_loss(knows_when_alone)((), jax.device_put(batch), KEYS)
    np.testing.assert_allclose(losses, 10 * np.log(8) / (delay + 20), rtol=1e-5)
    assert float(losses[0]) == pytest.approx(printed, rel=1e-3)
    assert np.asarray(metrics["error"]).max() <= 100


def test_what_has_a_partner_vanishes_when_pairs_are_taken_out():
    """Pairs with nothing but letters between them, again and again: what is left is alone."""
    splits = brackets(3, 12, examples=200).splits["train"]
    for symbols, tags, length in zip(splits["symbols"], splits["tags"], splits["length"], strict=True):
        left = list(range(length))
        text = [BRACKETS[symbol] for symbol in symbols[:length]]
        left = [place for place in left if text[place] != "x"]
        while "()" in (read := "".join(text[place] for place in left)):
            first = read.index("()")
            del left[first : first + 2]
        expected = [("none" if sign == "x" else "partner") for sign in text]
        for place in left:
            expected[place] = "alone"
        assert [TAGS[tag] for tag in tags[:length]] == expected
        assert not tags[length:].any()
    assert partners(np.array([2, 1, 1, 2], np.uint8)).tolist() == [2, 2, 1, 1]
