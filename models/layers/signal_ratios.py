"""How much of a noisy example is the example: schedules of the signal ratio, and other names of the same number.

A noisy example is x_t = √ᾱ_t x_0 + √(1 − ᾱ_t) ε. Its signal ratio ᾱ falls from 1, the example, to 0, noise alone. All
else is written by it: the deviation of noise beside a signal of size 1, the log of the ratio of both, an angle.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def linear_signal_ratios(*, steps: int, first: float = 1e-4, last: float = 0.02) -> Float[Array, " steps"]:
    """ᾱ_1 … ᾱ_T where the variance that each step adds grows linearly.

        ᾱ_t = Π_{s ≤ t} (1 − β_s),   β_1 = first … β_T = last

    The ends are those for T = 1,000; with fewer steps they are multiplied by 1000/T, so that as much noise is left at
    the end. ``ValueError`` where that makes a β that is no variance. Ho et al. 2020, section 4.
    """
    scale = 1000 / steps
    if not 0 < first * scale <= last * scale < 1:
        raise ValueError(
            f"{steps} steps make variances from {first * scale:g} to {last * scale:g}: they must rise below 1"
        )
    return jnp.exp(jnp.cumsum(jnp.log1p(-jnp.linspace(first * scale, last * scale, steps))))


def cosine_signal_ratios(*, steps: int, offset: float = 0.008, largest: float = 0.999) -> Float[Array, " steps"]:
    """ᾱ_1 … ᾱ_T along a squared cosine, so that signal is lost more evenly.

        ᾱ_t = f(t) / f(0),   f(t) = cos²((t/T + s)/(1 + s) · π/2) = sin²((1 − t/T)/(1 + s) · π/2),   s = offset

    Of the two the sine is exact where little is left. Each step keeps 1 − ``largest`` of what there was at least.
    Nichol & Dhariwal 2021, equation 17.
    """
    left = jnp.sin(jnp.arange(steps, -1, -1) / steps / (1 + offset) * jnp.pi / 2) ** 2
    kept = left[1:] / left[:-1]
    return jnp.cumprod(jnp.maximum(kept, 1 - largest))


SCHEDULES = {"linear": linear_signal_ratios, "cosine": cosine_signal_ratios}


def noise_deviation(signal_ratio: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """The deviation of the noise where the signal has size 1:  σ = √((1 − ᾱ)/ᾱ).

    Song et al. 2021, "Denoising diffusion implicit models", section 4.3; Karras et al. 2022.
    """
    return jnp.sqrt((1 - signal_ratio) / signal_ratio)


def ratio_of_deviation(deviation: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """The signal ratio of a noise's deviation:  ᾱ = 1/(1 + σ²).  Song et al. 2021, section 4.3."""
    return 1 / (1 + deviation**2)


def log_signal_to_noise(signal_ratio: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """λ = log ᾱ/(1 − ᾱ), in nats.  Kingma et al. 2021, "Variational diffusion models", equation 3."""
    return jnp.log(signal_ratio) - jnp.log1p(-signal_ratio)


def ratio_of_log(log_ratio: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """The signal ratio of a log signal-to-noise ratio:  ᾱ = 1/(1 + e^−λ).  Kingma et al. 2021, equation 3."""
    return jax.nn.sigmoid(log_ratio)


def noise_angle(signal_ratio: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Where on a quarter turn a ratio stands, from 0, the example, to 1, noise alone.

        (2/π) arctan √((1 − ᾱ)/ᾱ)

    It moves evenly along the cosine schedule, and is what a denoiser is told: any ratio, of any schedule. Salimans &
    Ho 2022, "Progressive distillation", appendix D.
    """
    return jnp.arctan2(jnp.sqrt(1 - signal_ratio), jnp.sqrt(signal_ratio)) * (2 / jnp.pi)
