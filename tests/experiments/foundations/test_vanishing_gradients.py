"""The norms of the deltas against the lecture's bound, exact laws, and the recursion written out."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from programs import jit_of_draws
from trained import assert_same_at_every_evaluation_batch, trained

from experiments.foundations.vanishing_gradients.experiment import (
    NETS,
    VanishingGradientsSettings,
    evaluate,
    evaluate_whole,
    network_with,
    task,
)
from experiments.foundations.vanishing_gradients.figures import (
    SMALLEST,
    by_layer,
    delta_norms,
    descend,
    example_norms,
    log_ratios,
    untrained_norms,
)
from experiments.run.settings import configure
from models.backpropagation import Layer, deltas, forward, output_delta
from models.deep_mlp import DeepMLP
from train.trainable import count_parameters

SETTINGS = configure(VanishingGradientsSettings(), depth=4, width=16, batch_size=32)
DIGITS = SETTINGS.images.load()
EXAMPLES = jax.tree.map(jnp.asarray, DIGITS.head("train", 40))


def net_of(activation, initialization, depth=12, width=64, **options):
    return DeepMLP(depth, width, 10, activation, initialization, **options)


def norms_of(net, examples=EXAMPLES, params=None):
    """[examples, layers] of one set of weights."""
    params = params or net.init(jax.random.key(0), examples["image"][:1])
    return np.asarray(jax.jit(jax.vmap(lambda e: example_norms(net, params, e["image"], e["label"])))(examples))


def in_double_precision(net):
    """The examples, and one set of weights, of twice the digits."""
    params = net.init(jax.random.key(0), EXAMPLES["image"][:1])
    return jax.tree.map(lambda leaf: leaf.astype(float) if leaf.dtype == jnp.float32 else leaf, (EXAMPLES, params))


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "linear"])
def test_they_are_the_recursion_written_out(activation, float64):
    net = net_of(activation, "he", depth=5, width=7)
    examples, params = in_double_precision(net)
    layers = [Layer(**params["params"][name]) for name in (*(f"layer_{i}" for i in range(1, 6)), "readout")]
    found = norms_of(net, examples, params)
    for image, label, norms in zip(examples["image"], examples["label"], found, strict=True):
        before, _ = forward(jnp.ravel(image), layers, hidden_activation=activation)
        last = output_delta(before[-1], jax.nn.one_hot(label, 10), output_activation="softmax", loss="cross_entropy")
        expected = deltas(layers, before, last, hidden_activation=activation)[:-1]
        np.testing.assert_allclose(norms, [np.linalg.norm(delta) for delta in expected], rtol=1e-10)


def test_a_sigmoid_with_orthogonal_weights_stays_below_a_quarter_a_layer():
    """‖δ_l‖ = ‖σ′(z_l) ⊙ W_{l+1} δ_{l+1}‖ ≤ ¼ ‖W_{l+1}‖ ‖δ_{l+1}‖, of every image; 1e-5 is float32's rounding."""
    norms = norms_of(net_of("sigmoid", "orthogonal", depth=30))
    assert (norms[:, :-1] <= norms[:, 1:] / 4 * (1 + 1e-5)).all()
    assert (norms <= norms[:, -1:] * 0.25 ** np.arange(29, -1, -1) * (1 + 1e-4)).all()
    assert (norms[:, 0] > 0).all()


def test_the_bound_is_reached_where_pre_activations_are_near_zero(float64):
    """Biases −½ Σ_i W_ij put z_l of h ≈ ½ at about 0, where σ′ = ¼; |z| ≤ 0.01 leaves σ′ within 3e-5 of it."""
    net = net_of("sigmoid", "orthogonal", depth=30)
    examples, params = in_double_precision(net)
    examples["image"] = examples["image"] * 1e-3
    for number in range(2, 31):
        layer = params["params"][f"layer_{number}"]
        layer["bias"] = -0.5 * jnp.sum(layer["kernel"], axis=0)
    norms = norms_of(net, examples, params)
    np.testing.assert_allclose(norms / norms[:, -1:], 0.25 ** np.arange(29, -1, -1)[None].repeat(40, 0), rtol=1e-3)


def test_a_linear_net_with_orthogonal_weights_keeps_the_norm_exactly(float64):
    """Up to the float32 in which the orthogonal matrices were drawn: 1e-6 a layer."""
    net = net_of("linear", "orthogonal", depth=30)
    examples, params = in_double_precision(net)
    norms = norms_of(net, examples, params)
    np.testing.assert_allclose(norms / norms[:, -1:], 1, rtol=3e-6)
    for number in range(1, 31):
        layer = params["params"][f"layer_{number}"]
        layer["kernel"] = jnp.linalg.qr(layer["kernel"])[0]
    norms = norms_of(net, examples, params)
    np.testing.assert_allclose(norms / norms[:, -1:], 1, rtol=1e-12)


@pytest.mark.parametrize(("initialization", "gain"), [("he", 1.0), ("glorot", 0.5)])
def test_the_mean_square_of_a_relu_net_falls_by_half_the_variance_times_the_width(initialization, gain):
    """E‖δ_l‖² = E‖δ_{l+1}‖² · ½ n Var W, and E‖δ_L‖² = ½ n Var R ‖g‖² for the gradient g in the logits.

    It is exact where g is fixed: a row of weights is as probable as its negative, which switches the unit over and
    leaves the square. So the loss is linear. 3,000 draws of one image; the means lie within four standard errors, and
    these are below 7 %. (He et al. 2015, section 2.2, assume the independence.)
    """
    net, draws = net_of("relu", initialization, depth=4), 3000
    image, cotangent = EXAMPLES["image"][0], jnp.arange(10.0) - 3

    def squares(key):
        params = net.init(key, image)
        return delta_norms(lambda given: jnp.dot(net.apply(given, image)["logits"], cotangent), params, depth=4) ** 2

    found = np.asarray(
        jit_of_draws(lambda keys: jax.lax.map(squares, keys))(jax.random.split(jax.random.key(0), draws)),
        np.float64,
    )
    expected = 64 / 2 * 2 / (64 + 10) * float(cotangent @ cotangent) * gain ** np.arange(3, -1, -1)
    error = found.std(axis=0, ddof=1) / np.sqrt(draws)
    assert (error < 0.07 * expected).all()
    assert (np.abs(found.mean(axis=0) - expected) < 4 * error).all()


def test_a_residual_net_is_bounded_below(float64):
    """With g_l = ∂L/∂h_l:  g_{l−1} = g_l + W_lᵀ δ_l  and  δ_l = σ′(z_l) ⊙ g_l, so that orthogonal W_l leave
    ‖g_{l−1}‖ ≥ (1 − ¼) ‖g_l‖, and  ‖δ_l‖ ≥ min σ′(z_l) (¾)^(L−l) · 4 ‖δ_L‖.
    """
    depth = 8
    net = net_of("sigmoid", "orthogonal", depth, residual=True)
    examples, params = in_double_precision(net)
    seen = net.apply(params, examples["image"])
    hidden = [examples["image"].reshape(40, -1), *(seen[f"layer_{number}"] for number in range(1, depth + 1))]
    slopes = []
    for number in range(1, depth + 1):
        layer = params["params"][f"layer_{number}"]
        sigma = jax.nn.sigmoid(hidden[number - 1] @ layer["kernel"] + layer["bias"])
        slopes.append(jnp.min(sigma * (1 - sigma), axis=-1))
    norms = norms_of(net, examples, params)
    bound = 4 * np.stack(slopes, axis=1) * 0.75 ** np.arange(depth - 1, -1, -1) * norms[:, -1:]
    assert (norms >= bound * (1 - 1e-12)).all()
    assert (norms[:, 0] > norms[:, -1] / 4 * 1e-1).all()


@pytest.mark.parametrize("remedy", [("residual",), ("normalization",), ("residual", "normalization")], ids="+".join)
def test_each_remedy_keeps_what_the_plain_sigmoid_loses(remedy):
    keys = jax.random.split(jax.random.key(0), 4)
    plain = untrained_norms(net_of("sigmoid", "glorot", width=32), (2, 20), EXAMPLES, keys)
    cured = untrained_norms(
        net_of("sigmoid", "glorot", width=32, **dict.fromkeys(remedy, True)), (2, 20), EXAMPLES, keys
    )
    assert plain[20][0] < 1e-10 * plain[20][-1]
    assert 0.5 < cured[20][0] / cured[20][-1] < 50


def test_norms_do_not_underflow():
    """Squares of 1e-25 are 0 in float32."""
    params = {"params": {f"layer_{i}": {"bias": jnp.zeros(2)} for i in (1, 2)}}

    def loss(params):
        return params["params"]["layer_1"]["bias"] @ jnp.asarray([3e-25, 4e-25])

    np.testing.assert_allclose(delta_norms(loss, params, depth=2), [5e-25, 0], rtol=1e-6)


def test_log_ratios_are_those_of_the_norms_and_finite_where_nothing_arrives():
    net = net_of("sigmoid", "glorot", depth=6, width=8)
    params = net.init(jax.random.key(0), EXAMPLES["image"][:1])
    norms = norms_of(net, params=params)
    np.testing.assert_allclose(log_ratios(net, params, EXAMPLES), np.log10(norms[:, 0] / norms[:, -1]), atol=1e-4)
    params["params"]["layer_3"]["kernel"] = jnp.zeros((8, 8))
    expected = np.log10(SMALLEST) - np.log10(norms_of(net, params=params)[:, -1])
    np.testing.assert_allclose(log_ratios(net, params, EXAMPLES), expected, atol=1e-4)


def test_untrained_norms_are_a_root_mean_square_over_examples_and_draws():
    keys = jax.random.split(jax.random.key(3), 3)
    found = untrained_norms(net_of("tanh", "glorot", width=8), (2, 3), EXAMPLES, keys)
    for depth, norms in found.items():
        net = net_of("tanh", "glorot", depth, width=8)
        each = [norms_of(net, params=net.init(key, EXAMPLES["image"][:1])) for key in keys]
        np.testing.assert_allclose(norms, np.sqrt(np.mean(np.concatenate(each) ** 2, axis=0)), rtol=1e-5)


def test_clipping_tames_what_otherwise_ends():
    """Weights of N(0, 0.25²): each layer of 64 units multiplies the square by ½ · 64 · 0.25² = 2."""
    net = net_of("relu", "large", depth=20)
    params = net.init(jax.random.key(0), EXAMPLES["image"][:1])
    batches = jax.tree.map(lambda leaf: jnp.stack([leaf] * 10), EXAMPLES)
    before, after = descend(net, params, batches, optax.sgd(0.01, 0.9), jnp.asarray([0.5, jnp.inf]))
    assert before[0, 0] == before[1, 0] > 100
    assert not np.isfinite(before[1]).all()
    np.testing.assert_allclose(after[0], 0.5, rtol=1e-5)
    assert before[0, -1] < before[0, 0]


def steps(settings, count):
    """The state at the beginning and after some steps, and the batches taken."""
    made = task(settings, DIGITS)
    first = state = made.init(jax.random.key(settings.seeds.seed))
    step = jax.jit(made.step)
    for number in range(count):
        rows = np.arange(number * settings.loop.batch_size, (number + 1) * settings.loop.batch_size) % 1297
        state, _ = step(state, jax.tree.map(lambda leaf, rows=rows: leaf[rows], DIGITS.splits["train"]))
    return first, state


def test_nets_side_by_side_are_nets_alone():
    """To the bit, although one of them explodes and is clipped: nothing of a net reaches another."""
    names = ("relu_he", "relu_clipped")
    _, together = steps(configure(SETTINGS, nets=names), 5)
    for name in names:
        _, alone = steps(configure(SETTINGS, nets=(name,)), 5)
        assert jax.tree.all(jax.tree.map(np.array_equal, alone.params[name], together.params[name]))


def test_only_the_clipped_net_is_clipped_and_by_its_own_norm():
    """One plain step of rate 1: the way that a net moves is its gradient."""
    one = {"nets": ("relu_he", "relu_clipped"), "optimizer": "sgd", "learning_rate": 1.0, "depth": 12, "width": 64}
    moved = {}
    for clip_norm in (0.25, 0.0):
        first, last = steps(configure(SETTINGS, clip_norm=clip_norm, **one), 1)
        for name in one["nets"]:
            way = jax.tree.map(jnp.subtract, last.params[name], first.params[name])
            moved[name, clip_norm] = float(optax.tree.norm(way))
    assert moved["relu_he", 0.25] == moved["relu_he", 0.0] > 0.25
    assert moved["relu_clipped", 0.25] == pytest.approx(0.25, rel=1e-3)
    assert moved["relu_clipped", 0.0] > 10


def test_the_ratio_before_training_is_kept_and_the_one_after_is_measured():
    settings = configure(SETTINGS, nets=("tanh", "sigmoid_both"), average_decay=0.5)
    first, last = steps(settings, 3)
    examples = jax.tree.map(jnp.asarray, DIGITS.head("train", 100))
    measured = evaluate(settings, DIGITS)(last.params, EXAMPLES, None)
    kept = evaluate_whole(settings, DIGITS).measure(last.params, (), None)
    for name in settings.nets:
        net = network_with(settings, DIGITS, **NETS[name])
        before = np.mean(log_ratios(net, first.params[name], examples))
        np.testing.assert_allclose(kept[f"{name}/log_ratio_before"], before, rtol=1e-4)
        after = log_ratios(net, last.params[name], EXAMPLES)
        np.testing.assert_allclose(measured[f"{name}/log_ratio_after"], after, rtol=1e-4, atol=1e-5)
        assert np.abs(np.mean(after) - before) > 1e-3


def test_numbers_are_the_same_at_every_evaluation_batch():
    settings = configure(SETTINGS, nets=("sigmoid_both",), depth=2, steps=3)
    found = assert_same_at_every_evaluation_batch(*trained("vanishing_gradients", settings))
    assert {"sigmoid_both/log_ratio_before", "sigmoid_both/log_ratio_after", "sigmoid_both/error"} < found.keys()


def test_what_is_kept_from_the_start_is_not_trained():
    settings = configure(SETTINGS, nets=("tanh",))
    made = task(settings, DIGITS)
    params = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape), jax.eval_shape(made.init, jax.random.key(0)).params)
    of_net = sum(leaf.size for leaf in jax.tree.leaves(params["tanh"]))
    assert count_parameters(params, made.trainable) == of_net < sum(leaf.size for leaf in jax.tree.leaves(params))


def test_twenty_sigmoid_layers_learn_only_with_help():
    """Guessing is wrong in 90 % of the cases."""
    settings = configure(
        SETTINGS, nets=("sigmoid", "sigmoid_both"), depth=20, width=32, batch_size=128, learning_rate=0.02
    )
    _, last = steps(settings, 150)
    metrics = evaluate(settings, DIGITS)(last.params, jax.tree.map(jnp.asarray, DIGITS.head("test", 250)), None)
    assert np.mean(metrics["sigmoid/error"]) > 80
    assert np.mean(metrics["sigmoid_both/error"]) < 15
    assert np.mean(metrics["sigmoid/log_ratio_after"]) < -10
    assert np.mean(metrics["sigmoid_both/log_ratio_after"]) > -1


@pytest.mark.parametrize("field", [{"nets": ()}, {"nets": ("tanh", "tanh")}, {"compared": ()}], ids=str)
def test_nets_and_families_are_named_once(field):
    with pytest.raises(ValueError, match=f"--{next(iter(field))} must name at least one, and none twice"):
        configure(SETTINGS, field)


def test_lines_are_relative_to_the_last_layer_and_their_names_apart():
    figure = by_layer(
        {"a": np.asarray([1.0, 2, 4]), "b": np.asarray([8.0, 4, 8]), "c": np.asarray([8.0, 1, 7.9])},
        title="t",
        bounded=True,
    )
    (axes,) = figure.axes
    drawn = {line.get_label(): line.get_ydata() for line in axes.lines}
    np.testing.assert_array_equal(drawn["a"], [0.25, 0.5, 1])
    np.testing.assert_array_equal(drawn["b"], [1, 0.5, 1])
    np.testing.assert_array_equal(axes.lines[-1].get_ydata(), [1 / 16, 1 / 4, 1])
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in axes.texts if text.get_text() in "abc"]
    assert len(boxes) == 3
    assert not any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[:i])
