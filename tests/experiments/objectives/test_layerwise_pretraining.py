"""Layers that learn by themselves, by hand and by stages."""

import jax
import jax.numpy as jnp
import numpy as np

from experiments.objectives.layerwise_pretraining import in_stages, reconstruction_gradient
from experiments.objectives.observation import corruption_of, identity
from models.rbm import RBM
from train.task import Phase, State, task_of_phases


def sigmoid(values):
    return 1 / (1 + np.exp(-values))


def layer_and_batch():
    rng = np.random.default_rng(0)
    layer = RBM(*(jnp.asarray(rng.normal(size=size)) for size in ((5, 3), (5,), (3,))))
    return layer, jnp.asarray(rng.random((4, 5))), jax.random.split(jax.random.key(0), 4)


def test_the_gradient_of_a_tied_layer_is_backpropagation_by_hand(float64):
    """The weights are used twice: the decoder's part and the encoder's are added."""
    layer, visible, keys = layer_and_batch()
    gradient, loss = reconstruction_gradient(identity, 0.0)(layer, visible, keys)
    weights, visible_bias, hidden_bias = map(np.asarray, layer)
    hidden = sigmoid(visible @ weights + hidden_bias)
    expected = sigmoid(hidden @ weights.T + visible_bias)
    delta = (expected - np.asarray(visible)) / len(visible)
    hidden_delta = (delta @ weights) * hidden * (1 - hidden)
    cross_entropy = -(visible * np.log(expected) + (1 - visible) * np.log(1 - expected)).sum(axis=1).mean()
    np.testing.assert_allclose(loss, cross_entropy, rtol=1e-12)
    np.testing.assert_allclose(gradient.weights, delta.T @ hidden + np.asarray(visible).T @ hidden_delta, rtol=1e-10)
    np.testing.assert_allclose(gradient.visible_bias, delta.sum(axis=0), rtol=1e-10)
    np.testing.assert_allclose(gradient.hidden_bias, hidden_delta.sum(axis=0), rtol=1e-10)


def test_the_contraction_is_added(float64):
    layer, visible, keys = layer_and_batch()
    (_, without), (_, with_it) = (
        reconstruction_gradient(identity, weight)(layer, visible, keys) for weight in (0.0, 2.0)
    )

    def code(one):
        return jax.nn.sigmoid(one @ layer.weights + layer.hidden_bias)

    squares = [np.sum(np.square(jax.jacfwd(code)(one))) for one in visible]
    np.testing.assert_allclose(with_it - without, 2 * np.mean(squares), rtol=1e-9)


def test_what_is_restored_is_the_clean_image(float64):
    """With all of the input masked the best that a layer can do is its visible bias."""
    layer, visible, keys = layer_and_batch()
    gradient, _ = reconstruction_gradient(corruption_of("masking", 1.0), 0.0)(layer, visible, keys)
    hidden = sigmoid(np.asarray(layer.hidden_bias))
    expected = sigmoid(np.asarray(layer.weights) @ hidden + np.asarray(layer.visible_bias))
    np.testing.assert_allclose(gradient.visible_bias, expected - np.asarray(visible).mean(axis=0), rtol=1e-9)


def test_stages_follow_each_other_by_the_number_of_the_step():
    def counting(place):
        def update(state, gradient):
            return state._replace(params=state.params.at[place].add(gradient))

        return Phase(lambda state, batch, keys: (jnp.ones(()), {"stage": jnp.asarray(place)}), update)

    def init(key):
        return State(jnp.zeros((), jnp.int32), key, jnp.zeros(3), ())

    staged = task_of_phases(init, [in_stages([counting(place) for place in range(3)], 2)])
    step = lambda state, _: staged.step(state, jnp.zeros((1,)))  # noqa: E731
    state, metrics = jax.lax.scan(step, staged.init(jax.random.key(0)), length=7)
    np.testing.assert_array_equal(metrics["stage"], [0, 0, 1, 1, 2, 2, 2])
    np.testing.assert_array_equal(state.params, [2, 2, 3])
