"""Each stage moves what it should and nothing else; pre-training is what the machines' own likelihood says it is."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.autoencoders.deep_belief_net.experiment import DeepBeliefNetSettings, task
from experiments.objectives.pretrained_classifier import classifier_loss, evaluate, network, unroll
from experiments.run.settings import configure
from models.deep_belief_net import upward
from models.rbm_partition import log_likelihood, log_partition
from train.mesh import data_parallel, device_mesh
from train.optimizers import make_optimizer
from train.task import supervised
from train.transforms import accumulate


def settings_of(**fields):
    return configure(DeepBeliefNetSettings(), fields)


FINE_TUNING = dict(optimizer="momentum", learning_rate=0.1, schedule="cosine")
SMALL = settings_of(widths=(8, 6), pretrain_steps=2, batch_size=16, steps=8, **FINE_TUNING)
DIGITS = SMALL.images.load()


def batches(count, size):
    rows = np.random.default_rng(0).integers(0, 1297, size=(count, size))
    return jax.tree.map(lambda leaf: jnp.asarray(leaf[rows]), DIGITS.splits["train"])


def steps_of(made):
    """The state before the first step and after each of eight: two of each machine, four of the nets."""
    quick = {"xla_backend_optimization_level": 0}
    start = jax.jit(made.init, compiler_options=quick)(jax.random.key(0))
    last, rest = jax.jit(
        lambda state, given: jax.lax.scan(lambda s, g: (made.step(s, g)[0], s), state, given), compiler_options=quick
    )(start, batches(8, 16))
    states = [jax.tree.map(lambda leaf, t=t: leaf[t], rest) for t in range(8)]
    return [*states, last]


@pytest.fixture(scope="module")
def states():
    return steps_of(task(SMALL, DIGITS))


def train(settings, steps):
    """The last parameters, of as many steps in one compiled call."""
    made = task(settings, DIGITS)
    last = jax.jit(lambda state, given: jax.lax.scan(made.step, state, given)[0])
    return last(made.init(jax.random.key(0)), batches(steps, settings.loop.batch_size)).params


def same(one, other):
    return all(jax.tree.leaves(jax.tree.map(lambda a, b: bool((a == b).all()), one, other)))


def test_every_stage_moves_its_own_parameters_only(states):
    """Two machines of two steps each, then the nets."""
    for t, (before, after) in enumerate(pairwise(states)):
        moved = [not same(b, a) for b, a in zip(before.params["stack"], after.params["stack"], strict=True)]
        assert moved == [t in (0, 1), t in (2, 3)]
        assert same(before.params["random"], after.params["random"]) == (t < 4)
    layers = [state.params["random"]["params"]["MLP_0"] for state in states]
    assert same(layers[4], layers[5])  # the output layer starts at zero, and so do the gradients below it
    assert not same(layers[5], layers[6])


def test_both_nets_begin_alike_and_one_follows_the_stack(states):
    assert same(states[0].params["pretrained"], states[0].params["random"])
    for state in states[:5]:
        layers = state.params["pretrained"]["params"]["MLP_0"]
        for number, rbm in enumerate(state.params["stack"]):
            np.testing.assert_array_equal(layers[f"Dense_{number}"]["kernel"], rbm.weights)
            np.testing.assert_array_equal(layers[f"Dense_{number}"]["bias"], rbm.hidden_bias)
    assert not same(states[4].params["pretrained"]["params"]["MLP_0"], states[0].params["random"]["params"]["MLP_0"])
    output = states[5].params["pretrained"]["params"]["Dense_0"]
    assert not same(output, states[4].params["pretrained"]["params"]["Dense_0"])


def test_the_net_beside_it_is_trained_as_if_alone(states):
    """After the pre-training, as ``supervised`` from the same weights, to float32's rounding."""
    model, start = network(SMALL, DIGITS), states[0].params["random"]
    loss_fn = classifier_loss(SMALL, SMALL.training.wrap(model.apply))
    alone = supervised(loss_fn, lambda key: start, make_optimizer(SMALL.optimization, 4))
    given = jax.tree.map(lambda leaf: leaf[4:], batches(8, 16))
    state, _ = jax.jit(lambda state: jax.lax.scan(alone.step, state, given))(alone.init(jax.random.key(5)))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=2e-6), state.params, states[-1].params["random"])
    assert not same(state.params, start)


def test_each_machine_learns_what_the_one_below_makes_of_the_images():
    """By enumeration, both machines' NLL of bits drawn from their held-out inputs falls: by 2 nats for the first, by
    0.3 for the second, whose inputs are the first one's."""
    settings = settings_of(widths=(8, 8), pretrain_steps=1000, batch_size=100, steps=2001)
    params = train(settings, 2000)
    start = task(settings, DIGITS).init(jax.random.key(0)).params["stack"]
    images = jnp.asarray(DIGITS.splits["test"]["image"]).reshape(250, -1)

    def nll(layer, rbm):
        inputs = jax.vmap(lambda v: upward(params["stack"][:layer], v))(images)
        bits = jax.random.bernoulli(jax.random.key(1), inputs).astype(inputs.dtype)
        return -np.mean(jax.vmap(log_likelihood, (None, 0, None))(rbm, bits, log_partition(rbm)))

    gains = [nll(layer, start[layer]) - nll(layer, params["stack"][layer]) for layer in range(2)]
    assert gains[0] > 2
    assert gains[1] > 0.3


def test_it_learns_digits_and_pre_training_helps_a_short_fine_tuning():
    """300 steps of fine-tuning: below 10 % with pre-training (chance is 90 %), and the same net without it is worse."""
    settings = settings_of(widths=(64, 64, 64), pretrain_steps=300, batch_size=100, steps=1200)
    params = train(settings, 1200)
    test = jax.tree.map(jnp.asarray, DIGITS.splits["test"])
    metrics = jax.jit(evaluate(settings, DIGITS))(params, test, jax.random.split(jax.random.key(0), 250))
    error, without = metrics["pretrained/error"].mean(), metrics["random/error"].mean()
    assert error < 10
    assert error < without


def test_reconstruction_is_the_squared_error_of_a_way_up_and_down(states):
    params = states[4].params
    stack = params["stack"]
    images = jnp.asarray(DIGITS.splits["test"]["image"][:5])
    sigmoid = lambda z: 1 / (1 + np.exp(-z))  # noqa: E731
    (w1, a1, b1), (w2, a2, b2) = (map(np.asarray, rbm) for rbm in stack)
    flat = np.asarray(images).reshape(5, -1)
    top = sigmoid(sigmoid(flat @ w1 + b1) @ w2 + b2)
    expected = sigmoid(sigmoid(top @ w2.T + a2) @ w1.T + a1)
    np.testing.assert_allclose(unroll(stack, images).reshape(5, -1), expected, rtol=1e-5)
    batch = {"image": images, "label": jnp.asarray(DIGITS.splits["test"]["label"][:5])}
    metrics = evaluate(SMALL, DIGITS)(params, batch, jax.random.split(jax.random.key(0), 5))
    np.testing.assert_allclose(metrics["reconstruction"], ((expected - flat) ** 2).sum(axis=1), rtol=1e-4)


@pytest.mark.parametrize("form", ["accumulated", "sharded"])
def test_every_form_of_execution_takes_the_same_steps(form, states):
    """In every stage; to float32's rounding, which momentum does not amplify."""
    whole = task(SMALL, DIGITS)
    formed = accumulate(whole, 4) if form == "accumulated" else data_parallel(whole, device_mesh())
    found = steps_of(formed)[-1].params
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=2e-6), found, states[-1].params)


def test_patience_and_a_net_without_layers_are_refused():
    with pytest.raises(ValueError, match="--patience watches the error"):
        settings_of(patience=2)
    with pytest.raises(ValueError, match="--widths must name at least one layer"):
        settings_of(widths=())
