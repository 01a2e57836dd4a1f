"""What descent is, what is compared with it, and pictures of any size in one pass."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from scipy import stats
from trained import assert_same_at_every_evaluation_batch, metrics_of_run, trained

from experiments import open_run
from experiments.cli.main import main
from experiments.datasets import DataError
from experiments.run.settings import configure
from experiments.vision.fast_style_transfer.descent import descended
from experiments.vision.fast_style_transfer.experiment import (
    FastStyleTransferSettings,
    compare,
    data,
    errors_of,
    network,
)

TINY = {
    "crop_size": 8,
    "crops": 8,
    "held_out": 4,
    "batch_size": 2,
    "style_size": 9,
    "vgg": "11",
    "feature_widths": (2, 3, 2, 2, 2),
    "style_layers": ("1_1", "2_1"),
    "widths": (2, 3),
    "blocks": 1,
    "compared": 3,
    "descent_steps": 4,
}


def settings_of(**fields):
    return configure(FastStyleTransferSettings(), TINY | fields)


def test_descent_is_that_of_adam_by_hand(float64):
    """Of two pictures with a bowl each; a value that leaves [0, 1] is put back."""
    rng = np.random.default_rng(0)
    pictures, goal = rng.uniform(size=(2, 2, 2, 3)), rng.uniform(-0.3, 1.3, size=(2, 2, 2, 3))

    def loss(pictures):
        return jnp.sum((pictures - goal) ** 2, axis=(1, 2, 3))

    reached, losses = descended(loss, jnp.asarray(pictures), steps=7, rate=0.1)
    now, first, second, expected = pictures, 0.0, 0.0, []
    for t in range(1, 8):
        expected.append(((now - goal) ** 2).sum(axis=(1, 2, 3)))
        gradient = 2 * (now - goal)
        first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
        step = (first / (1 - 0.9**t)) / (np.sqrt(second / (1 - 0.999**t)) + 1e-8)
        now = np.clip(now - 0.1 * step, 0, 1)
    expected.append(((now - goal) ** 2).sum(axis=(1, 2, 3)))
    np.testing.assert_allclose(reached, now, rtol=1e-6)
    np.testing.assert_allclose(losses, expected, rtol=1e-6)
    assert ((np.asarray(reached) == 0) | (np.asarray(reached) == 1)).any()


def test_the_content_has_no_error_of_content_and_the_style_none_of_style():
    settings = settings_of(style_size=8)
    dataset = data(settings)
    contents = jnp.asarray(dataset.head("test", 2)["image"])
    errors = errors_of(settings, dataset, contents)(contents)
    np.testing.assert_allclose(errors.content, 0, atol=1e-9)
    assert errors.style.min() > 1e-6
    other = errors_of(settings, dataset, contents[::-1])(contents)
    assert other.content.min() > 1e-6
    np.testing.assert_array_equal(other.style, errors.style)


def test_one_pass_is_worth_so_many_steps_of_descent():
    """Descent begins with the contents as they are; ratios and steps are of each crop, then their means."""
    run, params = trained("fast_style_transfer", settings_of(steps=3))
    found = assert_same_at_every_evaluation_batch(run, params)
    one = jax.tree.map(lambda leaf: leaf[0], params)
    contents = jnp.asarray(run.dataset.head("test", 3)["image"])
    seen = compare(run.settings, run.dataset, one, contents)
    losses, loss = np.asarray(seen.losses), np.asarray(seen.loss)
    assert losses.shape == (5, 3)
    np.testing.assert_allclose(found["unchanged/loss"], losses[0].mean(), rtol=1e-5)
    np.testing.assert_allclose(found["descent/loss"], losses[-1].mean(), rtol=1e-5)
    np.testing.assert_allclose(found["one_pass/loss"], loss.mean(), rtol=1e-5)
    np.testing.assert_allclose(found["one_pass/over_descent"], stats.gmean(loss / losses[-1]), rtol=1e-5)
    steps = [next((t for t in range(5) if losses[t, crop] <= loss[crop]), 5) for crop in range(3)]
    np.testing.assert_allclose(found["one_pass/steps"], np.mean(steps), rtol=1e-5)
    own = errors_of(run.settings, run.dataset, contents)(network(run.settings, run.dataset).apply(one, contents))
    np.testing.assert_allclose(run.settings.objective.loss(own), loss, rtol=1e-5)


def test_the_style_is_not_learnt_from_unless_it_is_asked_for(tmp_path):
    assert "crops of 1 photograph," in data(settings_of()).protocol
    Image.new("RGB", (9, 12), (200, 30, 30)).save(tmp_path / "red.png")
    own = data(settings_of(style=tmp_path / "red.png"))
    assert "crops of 2 photographs," in own.protocol
    assert own.protocol.endswith("in the style of red.png, 9×7")
    with pytest.raises(DataError, match=r"red\.png, 12×9: crops of 8 need 32"):
        data(settings_of(photographs=tmp_path))
    with pytest.raises(DataError, match="crops of 8×8: layer 5_1 needs 16"):
        data(settings_of(style_layers=("5_1",)))


def test_any_picture_is_repainted_in_its_size(undrawn, tmp_path, capsys):
    """By `lectern sample --picture`, and from Python; the network is applied to the whole picture."""
    folder, picture = tmp_path / "run", tmp_path / "mine.png"
    pixels = np.random.default_rng(0).integers(0, 256, (13, 21, 3), np.uint8)
    Image.fromarray(pixels).save(picture)
    words = ["run", "fast_style_transfer", "--preset", "smoke", "--steps", "2", "--workdir", str(folder)]
    assert main(words) == 0
    assert main(["sample", str(folder), "--count", "1", "--picture", str(picture)]) == 0
    saved = np.load(folder / "samples" / "2-1" / "samples.npz")
    assert saved["image"].shape == (1, 13, 21, 3)
    np.testing.assert_allclose(saved["content"][0], pixels / 255, atol=1e-6)
    run = open_run(folder)
    model = network(run.settings, run.dataset)
    expected = model.apply(run.params(), jnp.asarray(pixels / np.float32(255))[None])
    np.testing.assert_allclose(saved["image"], expected, atol=1e-5)
    assert main(["sample", str(folder), "--count", "1", "--picture", str(picture), "--longest", "10"]) == 0
    assert np.load(folder / "samples" / "2-2" / "samples.npz")["image"].shape == (1, 6, 10, 3)
    capsys.readouterr()
    for options, message in (
        (["--picture", str(tmp_path / "none.png")], "none.png: no such file: give a PNG or JPEG"),
        (["--longest", "10"], "--longest has no effect without --picture"),
    ):
        assert main(["sample", str(folder), *options]) == 2
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_one_pass_is_worth_several_steps_of_descent(undrawn, tmp_path, seed):
    found = metrics_of_run("fast_style_transfer", tmp_path, steps=200, seed=seed)
    assert found["one_pass/loss"] < found["unchanged/loss"] / 3
    assert found["one_pass/steps"] > 5
