"""Ways between samples, strips of a denoising: what stands at their ends, and the same pictures from the same seed."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from whole_runs import smoke_run

from experiments import open_run
from experiments.cli.main import main
from experiments.run.sampling import WayOptions
from train.task import Stream

WITH_WAYS = ("vae", "gan_digits", pytest.param("flow_digits", marks=pytest.mark.slow), "diffusion_digits")


def test_a_way_is_a_great_circle_between_its_ends():
    ends = jnp.asarray(np.random.default_rng(0).normal(size=(2, 4, 5)), jnp.float32)
    ends /= jnp.linalg.norm(ends, axis=(1, 2), keepdims=True)
    way = np.asarray(WayOptions(interpolation=7).between(ends)).reshape(7, -1)
    np.testing.assert_allclose(way[[0, -1]], ends.reshape(2, -1), atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(way, axis=1), 1, rtol=1e-5)
    turned = np.sum(way[1:] * way[:-1], axis=1)
    np.testing.assert_allclose(turned, turned[0], rtol=1e-5)
    assert WayOptions().between(ends).shape == (0, 4, 5)


@pytest.mark.parametrize("name", WITH_WAYS)
def test_a_picture_of_ways_is_drawn_beside_the_samples(name, tmp_path, undrawn, capsys):
    """A sample is what it is without a way, and where its way begins."""
    folder = smoke_run(name, tmp_path / "run")
    strips = {"interpolation": 5} | ({"denoising": 2} if name == "diffusion_digits" else {})
    words = [word for strip, count in strips.items() for word in (f"--{strip}", str(count))]
    for _ in range(2 if name == "gan_digits" else 1):
        assert main(["sample", str(folder), "--count", "2", *words]) == 0
    capsys.readouterr()
    first, *again = sorted((folder / "samples").iterdir())
    assert {path.name for path in first.iterdir()} >= {"samples.png", *(f"{strip}.png" for strip in strips)}
    for path in first.glob("*.png"):
        assert np.ptp(np.asarray(Image.open(path).convert("L"))) > 0
        assert all((folder / path.name).read_bytes() == path.read_bytes() for folder in again)
    drawn, run = np.load(first / "samples.npz"), open_run(folder)
    plain = run.sample(2)
    assert all(plain[key].tobytes() == drawn[key].tobytes() for key in plain)
    for strip, count in strips.items():
        assert drawn[strip].shape == (2, count, *drawn["image"].shape[1:])
    way = drawn["interpolation"]
    np.testing.assert_allclose(way[:, 0], drawn["image"], atol=1e-5)
    assert len({image.tobytes() for image in way.reshape(10, -1)}) == 10
    if name == "vae":
        key = jax.random.fold_in(jax.random.fold_in(jax.random.key(0), Stream.SAMPLES), 0)
        latents = jax.random.normal(key, (2, run.settings.architecture.latent))
        np.testing.assert_allclose(way[0, [0, -1]], run.codec().decode(latents), atol=1e-5)
