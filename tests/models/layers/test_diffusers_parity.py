"""Our samplers' steps and diffusers' with the same noise; ``make parity`` builds an environment that has diffusers."""

import os
import subprocess
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from models.layers.denoising_steps import STEPS
from models.layers.diffusion import estimate
from models.layers.signal_ratios import SCHEDULES

PROGRAM = Path(__file__).parents[3] / "experiments/bench/peers/diffusers_schedulers.py"
PYTHON = Path(os.environ.get("PARITY", ".venv-parity")).absolute() / "bin" / "python"
MEAN, DEVIATION = 0.3, 0.5
THEIRS = {"linear": "linear", "cosine": "squaredcos_cap_v2"}
SAMPLERS = {
    "ddim": partial(STEPS["ddim"], eta=0.0),
    "ddim_half": partial(STEPS["ddim"], eta=0.5),
    "ddpm": STEPS["ddpm"],
    "ddpm_upper": STEPS["ddpm_upper"],
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON.exists(), reason="no environment with diffusers: make parity builds it"),
]


@pytest.fixture(scope="module")
def passed(tmp_path_factory):
    """What diffusers' samplers went through."""
    folder = tmp_path_factory.mktemp("diffusers")
    subprocess.run([PYTHON, PROGRAM, "--to", folder], check=True)
    with np.load(folder / "schedulers.npz") as arrays:
        return dict(arrays)


@pytest.mark.parametrize("schedule", THEIRS)
def test_schedules_are_theirs(schedule, passed):
    ours = SCHEDULES[schedule](steps=1000)
    np.testing.assert_allclose(ours, passed[f"{THEIRS[schedule]}/ratios"], rtol=5e-5)  # 1,000 factors in float32


def exact(noisy, ratio):
    """What a denoiser that knows N(m, s²) says of a noisy number."""
    variance = ratio * DEVIATION**2 + 1 - ratio
    noise = jnp.sqrt(1 - ratio) * (noisy - jnp.sqrt(ratio) * MEAN) / variance
    return estimate(noisy, noise, ratio, predicted="noise")


@pytest.mark.parametrize("count", [10, 50])
@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("schedule", THEIRS)
def test_steps_are_theirs(schedule, sampler, count, passed, float64):
    """To the rounding of their ratios, which are float32; the noise of a last step is drawn there and added nowhere."""
    ratios, theirs, drawn = (
        passed[f"{THEIRS[schedule]}/{sampler}/{count}/{key}"] for key in ("ratios", "passed", "drawn")
    )
    step = jax.jit(partial(SAMPLERS[sampler], estimate=exact))
    for number, ratio in enumerate(ratios):
        after = ratios[number + 1] if number + 1 < len(ratios) else np.float64(1)
        ours = step(theirs[number], ratio, after, drawn[number])
        np.testing.assert_allclose(ours, theirs[number + 1], rtol=1e-4, atol=1e-4, err_msg=f"step {number}")
