"""diffusers' samplers beside a denoiser that knows its data, N(m, s²): ratios, and every step with the noise it drew.

    python diffusers_schedulers.py --to FOLDER

A stand-alone program for the environment of requirements-parity.txt. FOLDER gets schedulers.npz: for each sampler and
number of steps its ratios from noise to example, the example before the first step and after each, and the noise of
each. "leading" timesteps, a number that divides 1,000, and a last step to the ratio 1.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from diffusers import DDIMScheduler, DDPMScheduler

MEAN, DEVIATION = 0.3, 0.5
COMMON = {"num_train_timesteps": 1000, "timestep_spacing": "leading", "clip_sample": False}
SAMPLERS = {
    "ddim": (DDIMScheduler, {}, {"eta": 0.0}),
    "ddim_half": (DDIMScheduler, {}, {"eta": 0.5}),
    "ddpm": (DDPMScheduler, {"variance_type": "fixed_small"}, {}),
    "ddpm_upper": (DDPMScheduler, {"variance_type": "fixed_large"}, {}),
}


def noise_in(noisy: torch.Tensor, ratio: torch.Tensor) -> torch.Tensor:
    """E[ε | x_t] where examples are N(m, s²)."""
    variance = ratio * DEVIATION**2 + 1 - ratio
    return (1 - ratio).sqrt() * (noisy - ratio.sqrt() * MEAN) / variance


def trajectory(scheduler, options: dict, count: int) -> dict[str, np.ndarray]:
    """What a sampler goes through from the same noise."""
    scheduler.set_timesteps(count)
    ratios = scheduler.alphas_cumprod[scheduler.timesteps].double()
    noisy = torch.linspace(-3, 3, 13, dtype=torch.float64)[None]
    passed, drawn = [noisy], []
    for number, (step, ratio) in enumerate(zip(scheduler.timesteps, ratios, strict=True)):
        generator = torch.Generator().manual_seed(number)
        drawn.append(torch.randn(noisy.shape, generator=generator.clone_state(), dtype=noisy.dtype))
        noisy = scheduler.step(noise_in(noisy, ratio), step, noisy, generator=generator, **options).prev_sample
        passed.append(noisy)
    return {"ratios": ratios.numpy(), "passed": torch.stack(passed).numpy(), "drawn": torch.stack(drawn).numpy()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, required=True)
    folder = parser.parse_args().to
    found = {}
    for schedule in ("linear", "squaredcos_cap_v2"):
        for name, (scheduler, settings, options) in SAMPLERS.items():
            for count in (10, 50):
                made = scheduler(beta_schedule=schedule, beta_start=1e-4, **COMMON, **settings)
                for key, value in trajectory(made, options, count).items():
                    found[f"{schedule}/{name}/{count}/{key}"] = value
        found[f"{schedule}/ratios"] = made.alphas_cumprod.numpy()
    np.savez(folder / "schedulers.npz", **found)
