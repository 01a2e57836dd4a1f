import jax
import jax.numpy as jnp
import numpy as np
import pytest

from models.fixed_window import FixedWindow

SEQUENCE = jnp.asarray([3, 0, 2, 2, 1, 3])


@pytest.fixture(scope="module")
def net():
    """A net whose last layer, which begins at zero, is drawn."""
    model = FixedWindow(symbols=4, context=3, embedding=2, widths=(5,))
    params = model.init(jax.random.key(0), SEQUENCE)
    kernel = jax.random.normal(jax.random.key(1), params["params"]["Dense_0"]["kernel"].shape)
    return model, {"params": params["params"] | {"Dense_0": {"kernel": kernel, "bias": jnp.arange(4.0)}}}


def test_its_numbers_are_those_of_the_equation(net):
    model, variables = net
    params = jax.tree.map(np.asarray, variables["params"])
    table = params["Embed_0"]["embedding"]
    hidden, last = params["MLP_0"]["Dense_0"], params["Dense_0"]
    expected = []
    for end in range(3, 7):
        window = np.concatenate([table[symbol] for symbol in np.asarray(SEQUENCE)[end - 3 : end]])
        features = np.maximum(window @ hidden["kernel"] + hidden["bias"], 0)
        expected.append(features @ last["kernel"] + last["bias"])
    np.testing.assert_allclose(model.apply(variables, SEQUENCE), expected, rtol=1e-5)


def test_only_the_last_symbols_matter(net):
    """No later symbol, and none before the context."""
    model, variables = net
    changed = model.apply(variables, SEQUENCE.at[0].set(1).at[5].set(0))
    whole = model.apply(variables, SEQUENCE)
    np.testing.assert_array_equal(changed[1:3], whole[1:3])
    assert not np.allclose(changed[0], whole[0])
    assert not np.allclose(changed[3], whole[3])


def test_a_sequence_without_a_whole_context_is_refused(net):
    model, variables = net
    with pytest.raises(ValueError, match="2 symbols are shorter than the context of 3"):
        model.apply(variables, SEQUENCE[:2])
