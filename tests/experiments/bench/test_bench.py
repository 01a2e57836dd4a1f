import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.bench import bench, contenders, convolution, gpt, layers, lstm, products, programs, structures
from experiments.bench.bench import bench_images
from experiments.bench.contenders import GROUPS, Benchmark, Contender, benchmarks
from experiments.bench.rules import RULES
from experiments.bench.shapes import PRODUCTS, Product
from experiments.errors import WrongInput
from models.continuation import continue_text
from models.gpt import GPT
from models.layers.drawing import draw_symbol
from models.mesh_vae import MeshVAE
from models.transformer import Shape


def printing(rate, log, letter):
    code = f"print('noise'); print('{{\"examples_per_second\": {rate}}}'); open({str(log)!r}, 'a').write('{letter}')"
    return Contender(letter, (sys.executable, "-c", code))


def test_contenders_alternate_and_are_compared_to_the_first(tmp_path, capsys):
    log = tmp_path / "order"
    work = Benchmark("work", "examples/s", (printing(3000, log, "a"), printing(1500, log, "b")))
    samples = bench._alternate(work, 3, tmp_path)
    assert log.read_text() == "ababab"
    assert [sample.value for sample in samples["b"]] == [1500.0] * 3
    assert all(sample.megabytes > 5 for sample in samples["a"])
    bench._report(work, samples)
    printed = capsys.readouterr().out
    assert "1.00×" in printed
    assert "0.50×" in printed


def test_a_contender_that_fails_says_why(tmp_path):
    failing = Benchmark("work", "examples/s", (Contender("x", (sys.executable, "-c", "raise SystemExit('no disk')")),))
    with pytest.raises(WrongInput, match="x failed: no disk"):
        bench._alternate(failing, 1, tmp_path)


def test_the_images_are_binary_and_of_the_size_that_all_contenders_read(tmp_path):
    images = bench_images()
    assert images.shape == (5000, 784)
    assert images.dtype == np.float32
    assert set(np.unique(images)) == {0.0, 1.0}
    alone = {"mlp", "likelihood", "loop", "stream", "conv", "graphs", "start"}
    names = alone.union(*GROUPS.values())
    assert names == benchmarks(tmp_path, tmp_path).keys()


def test_a_group_stands_for_its_benchmarks(tmp_path, monkeypatch):
    """In their order, beside others; what is neither is refused before anything runs."""
    reported = []
    monkeypatch.setattr(bench, "_alternate", lambda benchmark, rounds, scratch: benchmark)
    monkeypatch.setattr(bench, "_report", lambda benchmark, samples: reported.append(benchmark.title))
    bench.bench(["autoencoders", "mlp"], rounds=1)
    available = benchmarks(tmp_path, tmp_path)
    assert reported == [available[name].title for name in ("vae", "iwae", "vqvae", "mlp")]
    with pytest.raises(WrongInput, match="did you mean autoencoders"):
        bench.bench(["mlp", "autoencoder"], rounds=1)
    assert len(reported) == 4
    bench.bench([], rounds=1)
    assert len(reported) == 4 + len(available) - len(contenders.WHEN_ASKED)


def test_what_starts_the_contenders_is_small():
    """A process begins with the peak memory of its parent, which would hide what JAX or PyTorch take to import."""
    code = "import sys, experiments.bench.bench; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=bench.ROOT, check=False).returncode == 0


def numbers_of(run):
    params = jax.eval_shape(run.task().init, jax.random.key(0)).params
    return sum(leaf.size for leaf in jax.tree.leaves(params))


@pytest.mark.parametrize("fields", [programs.MLP, programs.IWAE], ids=["vae", "iwae"])
def test_our_networks_have_the_numbers_of_the_peers(fields):
    """Pythae's 784-512-(16, 16) and 16-512-784 have 829,232 parameters."""
    run = programs.bench_run(bench_images()[:256], steps=1, **fields)
    assert numbers_of(run) == 829_232


def test_our_vqvae_has_the_numbers_of_the_peer():
    """784-512-16, 16-512-784 and 512 codes of 16 numbers."""
    run = programs.quantized_run(bench_images()[:256])
    dense = [(784, 512), (512, 16), (16, 512), (512, 784)]
    assert numbers_of(run) == sum((inputs + 1) * units for inputs, units in dense) + 512 * 16


@pytest.mark.parametrize(("net", "numbers"), [("three-layers", 87_114), ("resnet20", 269_722), ("lenet", 431_080)])
def test_our_convolutional_nets_have_the_numbers_of_the_peers(net, numbers):
    """As PyTorch counts them; and each of them takes a step."""
    work = convolution.WORKS[net]
    task = convolution.task_of(work)
    state = jax.eval_shape(task.init, jax.random.key(0))
    assert sum(leaf.size for leaf in jax.tree.leaves(state.params["params"])) == numbers
    batches = convolution.batches_of(work)
    assert batches["image"].shape == (convolution.CHUNK, work.batch, *work.image)
    after = jax.eval_shape(task.step, state, jax.tree.map(lambda leaf: leaf[0], batches))[0]
    assert jax.tree.map(jax.typeof, after) == jax.tree.map(jax.typeof, state)


def test_our_lstm_has_the_numbers_of_the_peer():
    """PyTorch's 82,944 have a second bias, of 512; with 129 of the readout."""
    state = jax.eval_shape(lstm.task().init, jax.random.key(0))
    assert sum(leaf.size for leaf in jax.tree.leaves(state.params)) == 82_944 - 512 + 129


def test_our_gpt_has_the_numbers_of_the_peer_and_draws_what_it_draws_anew():
    """PyTorch counts 804,096 as well. Past one move of the window, whose context is shortened here."""
    example = jnp.zeros((1, gpt.CONTEXT), jnp.int32)
    params = jax.eval_shape(gpt.MODEL.init, jax.random.key(0), example)
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == 804_096
    small = GPT(5, 6, Shape(1, heads=1, width=4, hidden=4))
    drawn = small.init(jax.random.key(0), example[:, :6])
    given = small, jax.tree.map(lambda leaf: 50 * leaf, drawn), jax.random.key(1), jnp.zeros(1, jnp.int32)
    cached, anew = (go_on(*given, count=10, draw=draw_symbol) for go_on in (continue_text, gpt.continue_anew))
    assert cached.tolist() == anew.tolist()


def test_a_peer_of_the_meshes_begins_with_the_noise_of_the_first_loss():
    """336-256-128-8, both halves of the posterior, and back; what is decoded of the noise has the error of our loss."""
    work = structures.limp(steps=4, batch=2)
    handed = structures.handed_over(work, (3, work.latent))
    dense = [(336, 256), (256, 128), (128, 16), (8, 128), (128, 256), (256, 336)]
    numbers = sum(array.size for name, array in handed.items() if name.startswith("params/"))
    assert numbers == sum((inputs + 1) * units for inputs, units in dense)
    first = {name: jnp.asarray(array[0]) for name, array in work.batches.items()}
    params, model = jax.jit(work.init)(jax.random.key(0)), MeshVAE(112, work.latent, structures.WIDTHS)
    losses, parts = jax.jit(work.loss_fn)(params, first, jax.random.split(jax.random.key(1), 2))
    meshes = jnp.stack([first[role] for role in ("vertices", "posed", "other")], axis=1)
    seen = (meshes - work.constants["mean"]) / work.constants["scale"]
    mean, log_variance = model.apply(params, seen, method="encode")
    latents = mean + jnp.exp(log_variance / 2) * handed["noise"]
    squares = (model.apply(params, latents, method="decode") - seen) ** 2
    np.testing.assert_allclose(squares.mean(axis=(1, 2, 3)), parts["squared_error"], rtol=1e-5)
    np.testing.assert_allclose(handed["loss"], losses.mean(), rtol=1e-5)


def test_a_peer_of_the_molecules_begins_with_parameters_batches_and_a_loss():
    pytest.importorskip("rdkit")
    work = structures.molecules(steps=2, batch=4)
    handed = structures.handed_over(work, (work.latent,))
    assert handed["batches/bonds"].shape == (2, 4, 5, 5)
    params = jax.jit(work.init)(jax.random.key(0))
    first = {name: jnp.asarray(array[0]) for name, array in work.batches.items()}
    losses, _ = jax.jit(work.loss_fn)(params, first, jax.random.split(jax.random.key(1), 4))
    np.testing.assert_allclose(handed["loss"], losses.mean(), rtol=1e-5)
    assert sum(name.startswith("params/") for name in handed) == len(jax.tree.leaves(params))


@pytest.mark.parametrize("name", layers.LAYERS)
def test_a_step_on_one_layer_goes_down_by_both_gradients(name, monkeypatch):
    """Of ‖y‖²/2, against autodiff of the convolution as XLA computes it."""
    monkeypatch.setattr(layers, "BATCH", 2)
    layer = layers.LAYERS[name]
    operands = layers.operands_of(layer)
    window = [(layer.window // 2, layer.window // 2)] * 2

    def half_square(images, kernel):
        out = jax.lax.conv_general_dilated(
            images, kernel, (layer.stride,) * 2, window, (1, 1), (1, 1), ("NHWC", "HWIO", "NHWC"), layer.groups
        )
        return (out**2).sum() / 2

    monkeypatch.setattr(layers, "LEARNING_RATE", 1.0)
    slopes = jax.grad(half_square, (0, 1))(*operands)
    for value, after, slope in zip(operands, layers.step(layer, operands), slopes, strict=True):
        np.testing.assert_allclose(value - after, slope, atol=2e-5 * abs(slope).max())


def test_the_products_are_those_of_a_dense_layer_and_each_waits_for_the_one_before(monkeypatch):
    monkeypatch.setattr(products, "SMALL", 1.0)
    x, weights = products.operands_of(Product("y", 1, 5, 3, 4), jax.random.key(0))
    y, pull_back = jax.vjp(jnp.matmul, x, weights)
    of_x, of_weights = pull_back(y)
    for of, expected, first, second in (("y", y, x, weights), ("dx", of_x, y, weights), ("dW", of_weights, x, y)):
        np.testing.assert_allclose(jnp.einsum(products.EQUATIONS[of], first, second), expected, rtol=1e-5)
        once, twice = (products.multiply(Product(of, count, 5, 3, 4), (first, second))[0] for count in (1, 2))
        np.testing.assert_allclose(once, first.at[0, 0].add(expected[0, 0]), rtol=1e-5)
        again, _ = products.multiply(Product(of, 1, 5, 3, 4), (once, second))
        np.testing.assert_allclose(twice, again, rtol=1e-5)


def test_the_products_are_as_many_as_the_models_have_weights():
    """A dense layer multiplies each of its weights once for each row, forwards and twice for the gradient."""
    text = jnp.zeros((1, gpt.CONTEXT), jnp.int32)
    params = jax.eval_shape(gpt.MODEL.init, jax.random.key(0), text)
    rows = gpt.BATCH * gpt.CONTEXT
    in_dense = sum(leaf.size for leaf in jax.tree.leaves(params) if leaf.ndim == 2) - gpt.CONTEXT * 128
    assert terms("gpt") == {of: rows * in_dense for of in ("y", "dx", "dW")}
    rows, of_inputs, of_state = lstm.BATCH * lstm.PLACES, lstm.FEATURES * 4 * lstm.UNITS, lstm.UNITS * 4 * lstm.UNITS
    both = rows * (of_inputs + of_state)
    assert terms("lstm") == {"y": both, "dx": rows * of_state, "dW": both}


def terms(work):
    """The terms of all sums, by what they are a product of."""
    sums = dict.fromkeys(products.EQUATIONS, 0)
    for product in PRODUCTS[work].products:
        sums[product.of] += product.count * product.rows * product.inputs * product.outputs
    return sums


def test_every_rule_is_left_out_in_turn():
    assert {*contenders.RULES, "any rule"} == RULES.keys()


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_that_is_left_out_changes_the_program_and_not_the_numbers(rule, monkeypatch):
    module, name, without = RULES[rule]
    shown_by = {"few": "first", "columns": "wide window", "pairs": "wide window", "tiles": "strided"}
    layer = layers.LAYERS[shown_by.get(rule.split()[0], "small")]
    step = lambda operands: layers.step(layer, operands)  # noqa: E731
    operands = layers.operands_of(layer)
    programs = [jax.jit(step).lower(operands)]
    expected = programs[0].compile()(operands)
    monkeypatch.setattr(module, name, without)
    jax.clear_caches()
    programs.append(jax.jit(lambda operands: step(operands)).lower(operands))
    assert programs[0].as_text() != programs[1].as_text()
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6 * abs(a).max()),
        expected,
        programs[1].compile()(operands),
    )


def test_every_detector_is_a_contender(tmp_path):
    from experiments.bench.detectors import WORKS

    found = benchmarks(tmp_path, tmp_path)
    asked = [contender.command[-1] for name in GROUPS["detectors"] for contender in found[name].contenders]
    assert sorted(asked) == sorted(WORKS)


def test_pictures_a_second_are_those_of_the_best_round(monkeypatch):
    from experiments.bench import detectors

    ticks = iter([0.0, 4.0, 10.0, 12.0, 20.0, 30.0, 40.0, 45.0, 50.0, 53.0])
    monkeypatch.setattr(detectors.time, "perf_counter", lambda: next(ticks))
    assert detectors.per_second(lambda: np.zeros(1)) == detectors.PICTURES / 2
