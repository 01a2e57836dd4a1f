"""What is asked for has no error, pictures do not know of each other, and any two pictures will do."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file
from trained import metrics_of_run

from experiments.cli.main import main
from experiments.datasets import DataError
from experiments.errors import WrongInput
from experiments.run.run import prepare
from experiments.run.settings import configure
from experiments.vision.style_transfer.experiment import StyleTransferSettings, data, errors_of, painted

TINY = {"size": 10, "vgg": "11", "feature_widths": (2, 3, 2, 2, 2), "style_layers": ("1_1", "2_1"), "steps": 3}


def settings_of(**fields):
    return configure(StyleTransferSettings(), TINY | fields)


def after(settings):
    """Parameters at first and after the steps of seed 0, and the last metrics."""
    run = prepare("style_transfer", "default", settings)
    task, batch = run.task(), jax.tree.map(jnp.asarray, run.dataset.splits["train"])
    first = task.init(jax.random.key(0))
    step, state = jax.jit(task.step), first
    for _ in range(settings.loop.steps):
        state, _ = step(state, batch)
    loss, metrics = run.experiment.monitor(settings, run.dataset)(state.params, batch, None)
    return first.params, state.params, {"loss": loss[0]} | {name: value[0] for name, value in metrics.items()}


def saved(path, height, width, seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def test_the_content_has_no_error_of_content_and_the_style_none_of_style():
    settings = settings_of()
    dataset = data(settings)
    given = dataset.head("test", 1)
    errors = errors_of(settings, dataset, jnp.concatenate([given["image"], given["style"]]))
    np.testing.assert_allclose([errors.content[0], errors.style[1]], 0, atol=1e-9)
    assert min(errors.content[1], errors.style[0]) > 1e-4


def test_the_loss_is_the_weighted_sum_and_its_fall_is_that_since_the_beginning():
    settings = settings_of(content_weight=0.5, style_weight=100.0, variation_weight=0.1)
    first, last, metrics = after(settings)
    losses = []
    for name, weight in zip(settings.painted, settings.style_weights, strict=True):
        content, style, variation = (metrics[f"{name}/{what}"] for what in ("content", "style", "variation"))
        losses.append(0.5 * content + weight * style + 0.1 * variation)
        np.testing.assert_allclose(metrics[f"{name}/loss"], losses[-1], rtol=1e-5)
        assert metrics[f"{name}/fall"] > 1
        np.testing.assert_allclose(metrics[f"{name}/fall"] * losses[-1], first["first"][name], rtol=1e-5)
        assert last["first"][name] == first["first"][name]
    np.testing.assert_allclose(metrics["loss"], np.mean(losses), rtol=1e-5)
    np.testing.assert_allclose(settings.style_weights, [100, 5, 2000, 100], rtol=1e-6)


def test_a_picture_is_the_same_whoever_is_painted_beside_it():
    alone, together = (after(settings_of(painted=names))[1]["params"] for names in (("noise",), ("content", "noise")))
    np.testing.assert_allclose(alone["noise"], together["noise"], atol=1e-6)


def test_pictures_of_any_size_are_painted_in_the_contents_size(tmp_path):
    """Odd sides, a style of other proportions; values stay in [0, 1], and only the start is the content."""
    content, style = saved(tmp_path / "a.png", 13, 7), saved(tmp_path / "b.png", 5, 31, seed=1)
    settings = settings_of(content=content, style=style, size=0, learning_rate=1.0)
    first, last, _ = after(settings)
    pictures = painted(settings, last)
    assert pictures.shape == (4, 13, 7, 3)
    assert pictures.min() == 0
    assert pictures.max() == pytest.approx(1)
    np.testing.assert_allclose(first["params"]["content"], np.asarray(Image.open(content)) / 255, atol=1e-6)
    assert not np.allclose(first["params"]["noise"], first["params"]["less_style"], atol=0.1)


def test_files_that_do_not_do_are_told_in_one_line(tmp_path, capsys):
    (tmp_path / "text.jpg").write_text("no picture")
    small, fine = saved(tmp_path / "small.png", 1, 40), saved(tmp_path / "fine.png", 20, 20)
    deep = tmp_path / "deep.png"
    Image.fromarray(np.zeros((40, 40), np.uint16)).save(deep)
    for words, message in (
        (["--content", str(tmp_path / "text.jpg")], "cannot be read as PNG or JPEG"),
        (["--content", str(deep)], "expected 8 bits a channel"),
        (["--content", str(fine), "--style", str(tmp_path / "none.png")], "none.png: no such file: give a PNG or JPEG"),
        (["--content", str(small)], "small.png, 1×40: layer 5_1 needs 16 pixels a side at least"),
        (["--weights", str(fine)], "is no file of safetensors"),
        (["--batch-size", "2"], "must be 1"),
        (["--vgg", "11", "--content-layers", "1_2"], "VGG11 has no layer 1_2"),
        (["--painted", "noise", "--contrast", "3"], "--contrast has no effect"),
    ):
        assert main(["run", "style_transfer", *words, "--workdir", str(tmp_path / "run")]) == 2
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_weights_of_a_file_are_those_that_see(tmp_path):
    rng = np.random.default_rng(0)
    weights = {"features.0.weight": rng.normal(size=(64, 3, 3, 3)), "features.0.bias": rng.normal(size=64)}
    weights = {name: leaf.astype(np.float32) for name, leaf in weights.items()}
    save_file(weights | {"classifier.0.bias": np.zeros(3, np.float32)}, tmp_path / "vgg.safetensors")
    settings = settings_of(
        weights=tmp_path / "vgg.safetensors",
        content_layers=("1_1",),
        style_layers=("1_1",),
        feature_widths=(16,) + 4 * (64,),
    )
    dataset = data(settings)
    picture = dataset.head("test", 1)["image"][0]
    seen = (picture - np.float32([0.485, 0.456, 0.406])) / np.float32([0.229, 0.224, 0.225])
    middle = np.einsum("hwc,ochw->o", seen[2:5, 4:7], weights["features.0.weight"]) + weights["features.0.bias"]
    np.testing.assert_allclose(dataset.context["content"]["1_1"][0, 3, 5], np.maximum(middle, 0), rtol=1e-4, atol=1e-4)
    assert dataset.fingerprint != data(settings_of(content_layers=("1_1",), style_layers=("1_1",))).fingerprint
    with pytest.raises(WrongInput, match="holds no weights of VGG11"):
        data(configure(settings, style_layers=("1_1", "2_1")))
    with pytest.raises(DataError, match="layer 3_1 needs 4"):
        data(settings_of(size=3, content_layers=("3_1",)))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_from_noise_the_loss_falls_tenfold(undrawn, tmp_path, seed):
    found = metrics_of_run("style_transfer", tmp_path, steps=400, seed=seed, painted=("noise", "more_style"))
    assert found["noise/fall"] > 10
    assert found["more_style/fall"] > 50


def test_something_must_weigh():
    with pytest.raises(ValueError, match="--variation-weight must be more than 0"):
        settings_of(content_weight=0.0, style_weight=0.0, variation_weight=0.0)
