#!/usr/bin/env bash
# Two steps of diffusers' flow-matching Euler sampler are one: the last call of the network moves by a thousandth.
#
# Versions:   diffusers 0.42.1, torch 2.13.0 (CPU), numpy 2.4.6.
# Setting:    FlowMatchEulerDiscreteScheduler with its defaults and with shift=3; data of deviation 0.25 about 1, whose
#             exact velocity is known; 100,000 samples by 2, 3, 4, 8 and 28 calls, along the scheduler's own levels of
#             noise and along 1, 1 - 1/n, 1 - 2/n ... that are given to it.
# Usual guess: n steps of Euler's method from noise 1 to 0 are n equal steps (before the shift), of which each is worth
#             its call.
# Behaviour:  set_timesteps divides the way from 1 to 0.001, the least level of training, and goes on to 0 by itself:
#             n calls are n - 1 equal steps and one of 0.001 (0.009 with shift 3, as that level is shifted twice, which
#             is reported upstream). With 2 calls all samples are the mean; with 4 their deviation is that of 3 steps
#             which are even. The fewer the calls, as after distillation, the more is lost.
# Seen:       see EXPECTED
# Exits with 1 where that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  diffusers==0.42.1 torch==2.13.0 numpy==2.4.6

cat > "$folder/flow.py" <<'PYTHON'
import numpy as np
import torch
from diffusers import FlowMatchEulerDiscreteScheduler

WIDTH = 0.25
NOISE = torch.tensor(np.random.default_rng(0).normal(size=100_000), dtype=torch.float32)


def velocity(points, level):
    """The mean of noise less data at these points, where data lie about 1 with deviation WIDTH."""
    variance = (1 - level) ** 2 * WIDTH**2 + level**2
    return (level - (1 - level) * WIDTH**2) / variance * (points - (1 - level)) - 1


def sample(shift, **how):
    scheduler = FlowMatchEulerDiscreteScheduler(shift=shift)
    scheduler.set_timesteps(**how)
    points = NOISE
    for time, level in zip(scheduler.timesteps, scheduler.sigmas[:-1], strict=True):
        points = scheduler.step(velocity(points, level), time, points).prev_sample
    return f"{float(points.std()):.3f} by {[round(level, 3) for level in scheduler.sigmas.tolist()[:5]]}"


for shift in (1.0, 3.0):
    print(f"shift {shift:.0f}, deviation of the samples (data: {WIDTH}) by levels")
    for calls in (2, 3, 4, 8, 28):
        even = np.linspace(1, 0, calls, endpoint=False).tolist()
        print(f"  {calls} calls: {sample(shift, num_inference_steps=calls)}")
        print(f"    even: {sample(shift, sigmas=even)}")
PYTHON
"$folder/venv/bin/python" -W ignore "$folder/flow.py" | tee "$folder/seen"
diff "$folder/seen" - <<'EXPECTED'
shift 1, deviation of the samples (data: 0.25) by levels
  2 calls: 0.001 by [1.0, 0.001, 0.0]
    even: 0.059 by [1.0, 0.5, 0.0]
  3 calls: 0.060 by [1.0, 0.501, 0.001, 0.0]
    even: 0.105 by [1.0, 0.667, 0.333, 0.0]
  4 calls: 0.105 by [1.0, 0.667, 0.334, 0.001, 0.0]
    even: 0.136 by [1.0, 0.75, 0.5, 0.25, 0.0]
  8 calls: 0.182 by [1.0, 0.857, 0.715, 0.572, 0.429]
    even: 0.189 by [1.0, 0.875, 0.75, 0.625, 0.5]
  28 calls: 0.231 by [1.0, 0.963, 0.926, 0.889, 0.852]
    even: 0.231 by [1.0, 0.964, 0.929, 0.893, 0.857]
shift 3, deviation of the samples (data: 0.25) by levels
  2 calls: 0.009 by [1.0, 0.009, 0.0]
    even: 0.021 by [1.0, 0.75, 0.0]
  3 calls: 0.029 by [1.0, 0.751, 0.009, 0.0]
    even: 0.041 by [1.0, 0.857, 0.6, 0.0]
  4 calls: 0.049 by [1.0, 0.858, 0.602, 0.009, 0.0]
    even: 0.060 by [1.0, 0.9, 0.75, 0.5, 0.0]
  8 calls: 0.113 by [1.0, 0.948, 0.883, 0.801, 0.694]
    even: 0.120 by [1.0, 0.955, 0.9, 0.833, 0.75]
  28 calls: 0.207 by [1.0, 0.987, 0.974, 0.96, 0.945]
    even: 0.207 by [1.0, 0.988, 0.975, 0.962, 0.947]
EXPECTED
