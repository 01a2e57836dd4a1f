"""Settings groups of diffusions: the process that is undone, and how examples are drawn."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal

import jax.numpy as jnp
from annotated_types import Ge, Le
from jaxtyping import Array, Float

from experiments.run.settings import Count
from models.denoising import spaced_steps
from models.layers.denoising_steps import STEPS, Step
from models.layers.diffusion import Predicted
from models.layers.signal_ratios import SCHEDULES
from train.optimizers import NotNegative

LEAST_LINEAR = 20
"""Steps of the linear schedule of which the last would leave nothing of the example."""
SamplerName = Literal["ddim", "ddpm", "ddpm_upper", "second_order", "lecture", "lecture_fresh"]


@dataclass(frozen=True, kw_only=True)
class Diffusion:
    """From examples to noise."""

    noise_schedule: Literal["linear", "cosine"] = "cosine"
    """how the share of signal falls from step to step"""
    noise_steps: Count = 1000
    """steps from an example to noise"""
    predicted: Predicted = "noise"
    """what the network says of a noisy example: its noise, the clean example, or the velocity between both"""

    def __post_init__(self):
        if self.noise_schedule == "linear" and self.noise_steps <= LEAST_LINEAR:
            raise ValueError(
                f"--noise-steps {self.noise_steps} are too few for --noise-schedule linear: take {LEAST_LINEAR + 1} at "
                "least, or cosine"
            )

    def check(self, sampling_steps: int, flag: str) -> None:
        """``ValueError`` where there are not so many steps to sample by."""
        if sampling_steps > self.noise_steps:
            raise ValueError(
                f"{flag} {sampling_steps}: there are --noise-steps {self.noise_steps}; take as many at most"
            )

    def ratios(self, count: int | None = None) -> Float[Array, " steps"]:
        """The signal ratios of all steps, or of so many of them."""
        ratios = SCHEDULES[self.noise_schedule](steps=self.noise_steps)
        return ratios if count is None else ratios[jnp.asarray(spaced_steps(self.noise_steps, count))]


def step_of(sampler: SamplerName, *, eta: float) -> Step:
    """A sampler's step by name."""
    return partial(STEPS["ddim"], eta=eta) if sampler == "ddim" else STEPS[sampler]


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How examples are drawn in evaluations and figures."""

    sampler: SamplerName = "ddim"
    """how noise becomes an example: ddim; ddpm, of the lower variance or the upper; second_order;
    lecture, where the noise that was found is injected again, or a fresh one"""
    sampling_steps: Count = 50
    """steps from noise to an example; second_order asks the network twice in each"""
    eta: Annotated[float, Ge(0), Le(1)] = 0.0
    """of ddim: share of ddpm's deviation that is drawn anew"""

    def idle(self) -> dict[str, str]:
        """``eta`` without DDIM."""
        return {} if self.sampler == "ddim" else {"eta": f"with --sampler {self.sampler}"}


@dataclass(frozen=True, kw_only=True)
class GuidedSampling(Sampling):
    """How examples of a class are drawn in evaluations and figures."""

    guidance: NotNegative = 1.0
    """how far what is said with a label is carried on beyond what is said without one; 0 is the label alone"""
