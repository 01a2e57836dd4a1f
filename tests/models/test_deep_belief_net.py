"""Oracles of ``models/deep_belief_net.py``: sums over every state of nets of a few units, and Flax's own network."""

from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
from cases import Case
from programs import jit_of_draws

from models.deep_belief_net import downward, dream, stack_of, upward, with_hidden_layers
from models.mlp import MLP, MLPClassifier
from models.rbm import RBM, hidden_probabilities, transpose
from models.rbm_partition import log_partition


def stacked_machines(rng):
    """Machines of 3 → 4 → 2 units."""
    shapes = ((3, 4), (3,), (4,)), ((4, 2), (4,), (2,))
    return tuple(RBM(*(rng.normal(size=shape) for shape in of_one)) for of_one in shapes)


def network_and_visible_bias(rng):
    machines = enumerate(stacked_machines(rng))
    layers = {f"Dense_{i}": {"kernel": each.weights, "bias": each.hidden_bias} for i, each in machines}
    return {"params": {"MLP_0": layers}}, rng.normal(size=3)


CASES = {
    upward: Case(lambda rng: (stacked_machines(rng), rng.normal(size=3))),
    downward: Case(lambda rng: (stacked_machines(rng), rng.normal(size=2))),
    dream: Case(
        lambda rng: (jax.random.key(int(rng.integers(100))), stacked_machines(rng), rng.normal(size=4)), {"steps": 2}
    ),
    stack_of: Case(network_and_visible_bias),
}


def bits(units):
    return np.array(list(product([0.0, 1.0], repeat=units)))


def random_machine(visible, hidden, seed=0):
    rng = np.random.default_rng(seed)
    return RBM(*(jnp.asarray(rng.normal(size=shape)) for shape in ((visible, hidden), (visible,), (hidden,))))


def joint_of(rbm):
    """p(v, h) [visible states, hidden states], by the energy's definition."""
    weights, a, b = map(np.asarray, rbm)
    visible, hidden = bits(len(a)), bits(len(b))
    minus_energy = (visible @ a)[:, None] + (hidden @ b)[None, :] + visible @ weights @ hidden.T
    return np.exp(minus_energy - scipy.special.logsumexp(minus_energy))


def net_probabilities(stack):
    """p(v) of a net by sums over all hidden layers, from the top machine's p(h) down through every p(v | h)."""
    *lower, top = map(joint_of, stack)
    probabilities = top.sum(axis=1)
    for joint in reversed(lower):
        probabilities = joint / joint.sum(axis=0) @ probabilities
    return probabilities


def bound(stack):
    """Of log p(v), for every v: E_q[log p(v | h) + log p(h)] + H(q), q = the lower machine's posterior."""
    lower, upper = map(joint_of, stack)
    posterior = lower / lower.sum(axis=1, keepdims=True)
    log_joint = np.log(lower / lower.sum(axis=0)) + np.log(upper.sum(axis=1))
    return (posterior * (log_joint - np.log(posterior))).sum(axis=1)


def test_a_net_whose_second_machine_is_the_transposed_first_is_the_first(float64):
    """Where greedy stacking begins: the new layer changes nothing yet, and the bound is tight."""
    first = random_machine(4, 3)
    stack = (first, transpose(first))
    expected = joint_of(first).sum(axis=1)
    np.testing.assert_allclose(net_probabilities(stack), expected, rtol=1e-12)
    np.testing.assert_allclose(bound(stack), np.log(expected), rtol=1e-10)
    np.testing.assert_allclose(log_partition(transpose(first)), log_partition(first), rtol=1e-14)


def test_a_better_second_machine_makes_the_net_better(float64):
    """Descent of the upper machine's exact NLL on posterior samples raises the bound by just as much, and log p(v)
    stays above it (Hinton et al. 2006, section 4)."""
    first = random_machine(4, 3)
    lower = joint_of(first)
    data = np.random.default_rng(1).dirichlet(np.full(16, 0.3))
    seen = jnp.asarray(data @ (lower / lower.sum(axis=1, keepdims=True)))
    states = jnp.asarray(bits(3))

    @jax.jit
    def nll(upper):
        return log_partition(upper) + seen @ jax.vmap(free_energy_of, (None, 0))(upper, states)

    upper, start = transpose(first), float(nll(transpose(first)))
    for _ in range(200):
        upper = jax.tree.map(lambda w, g: w - 0.1 * g, upper, jax.grad(nll)(upper))
    gained = start - float(nll(upper))
    assert gained > 0.01
    before, after = data @ bound((first, transpose(first))), data @ bound((first, upper))
    assert after - before == pytest.approx(gained, rel=1e-9)
    assert data @ np.log(net_probabilities((first, upper))) > after


def free_energy_of(rbm, visible):
    return -rbm.visible_bias @ visible - jnp.sum(jnp.log1p(jnp.exp(rbm.hidden_bias + visible @ rbm.weights)))


def test_upward_is_a_perceptron_of_sigmoids(float64):
    stack = (random_machine(5, 4), random_machine(4, 3, seed=1), random_machine(3, 6, seed=2))
    visible = jnp.asarray(np.random.default_rng(0).random((7, 5)))
    network = {
        "params": {f"Dense_{i}": {"kernel": rbm.weights, "bias": rbm.hidden_bias} for i, rbm in enumerate(stack)}
    }
    expected = MLP((4, 3, 6), "sigmoid").apply(network, visible)
    np.testing.assert_allclose(jax.vmap(lambda v: upward(stack, v))(visible), expected, rtol=1e-13)


def test_downward_is_upward_through_the_transposed_machines(float64):
    stack = (random_machine(5, 4), random_machine(4, 3, seed=1))
    top = jnp.asarray([0.2, 0.9, 0.5])
    turned = tuple(transpose(rbm) for rbm in reversed(stack))
    np.testing.assert_allclose(downward(stack, top), upward(turned, top), rtol=1e-14)
    np.testing.assert_array_equal(upward((), top), top)
    np.testing.assert_array_equal(downward((), top), top)


def test_dreams_have_the_nets_mean(float64):
    """After many Gibbs steps: the expectation of P(v = 1 | h) within five standard errors of Σ_v v p(v)."""
    sizes = [(4, 3), (3, 3), (3, 2)]
    stack = [jax.tree.map(lambda leaf: 2 * leaf, random_machine(*size, seed=i)) for i, size in enumerate(sizes)]
    keys = jax.random.split(jax.random.key(0), 20_000)
    dreams = np.asarray(jit_of_draws(jax.vmap(lambda key: dream(key, stack, jnp.zeros(3), steps=40)))(keys))
    error = dreams.std(axis=0) / np.sqrt(len(keys))
    assert (np.abs(dreams.mean(axis=0) - net_probabilities(stack) @ bits(4)) < 5 * error).all()
    assert (error < 0.004).all()


def test_a_net_of_one_machine_dreams_as_the_machine_does(float64):
    rbm = random_machine(4, 3)
    keys = jax.random.split(jax.random.key(0), 20_000)
    dreams = np.asarray(jit_of_draws(jax.vmap(lambda key: dream(key, (rbm,), jnp.zeros(4), steps=40)))(keys))
    expected = joint_of(rbm).sum(axis=1) @ bits(4)
    assert (np.abs(dreams.mean(axis=0) - expected) < 5 * np.sqrt(expected * (1 - expected) / len(keys))).all()


def test_a_net_without_machines_does_not_dream():
    with pytest.raises(ValueError, match="at least one machine"):
        dream(jax.random.key(0), (), jnp.zeros(3), steps=1)


@pytest.fixture
def network():
    return MLPClassifier((4, 3), 2, "sigmoid").init(jax.random.key(0), jnp.zeros((1, 2, 3, 1)))


def test_the_machines_of_a_network_give_it_back(network):
    stack = stack_of(network, jnp.arange(6.0))
    assert [rbm.weights.shape for rbm in stack] == [(6, 4), (4, 3)]
    np.testing.assert_array_equal(stack[0].visible_bias, np.arange(6))
    np.testing.assert_array_equal(stack[1].visible_bias, np.zeros(4))
    jax.tree.map(np.testing.assert_array_equal, with_hidden_layers(network, stack), network)


def test_a_network_takes_its_hidden_layers_from_the_machines(network):
    """All of them, and its output layer stays."""
    stack = (random_machine(6, 4), random_machine(4, 3, seed=1))
    classifier = MLPClassifier((4, 3), 2, "sigmoid")
    output = {"kernel": jnp.asarray([[1.0, -1.0], [2.0, 0.5], [0.0, 3.0]]), "bias": jnp.asarray([0.1, 0.2])}
    network = {"params": network["params"] | {"Dense_0": output}}
    image = jnp.asarray(np.random.default_rng(0).random((2, 3, 1)).astype(np.float32))
    top = hidden_probabilities(stack[1], hidden_probabilities(stack[0], image.reshape(-1)))
    logits = classifier.apply(with_hidden_layers(network, stack), image[None])[0]
    np.testing.assert_allclose(logits, top @ output["kernel"] + output["bias"], rtol=1e-5)
