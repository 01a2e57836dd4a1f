"""Optimisers by configuration: a frozen dataclass in, an Optax transformation out."""

from dataclasses import dataclass
from typing import Annotated, Literal

import jax.numpy as jnp
import optax
from annotated_types import Ge, Gt, Lt

Positive = Annotated[float, Gt(0)]
NotNegative = Annotated[float, Ge(0)]
Fraction = Annotated[float, Ge(0), Lt(1)]


@dataclass(frozen=True, kw_only=True)
class Optimization:
    """How parameters move; every experiment's settings inherit these fields."""

    optimizer: Literal["sgd", "momentum", "nesterov", "adam", "adamw", "rmsprop"] = "adam"
    """the update rule"""
    learning_rate: Positive = 1e-3
    """its peak value"""
    schedule: Literal["constant", "step", "cosine"] = "constant"
    """how the learning rate moves after the warm-up; cosine reaches 0 at the last step"""
    warmup_steps: Annotated[int, Ge(0)] = 0
    """steps over which the learning rate rises linearly from 0"""
    decay_steps: tuple[Annotated[int, Gt(0)], ...] = ()
    """steps at which the step schedule multiplies the learning rate by --decay-factor"""
    decay_factor: Positive = 0.1
    """factor of the step schedule"""
    momentum: Fraction = 0.9
    """momentum of momentum, nesterov and rmsprop's running square"""
    beta1: Fraction = 0.9
    """Adam's decay of the first moment"""
    beta2: Fraction = 0.999
    """Adam's decay of the second moment"""
    epsilon: Positive = 1e-8
    """added to Adam's and RMSprop's denominator"""
    clip_norm: NotNegative = 0.0
    """largest global norm of the gradient; 0 is off"""
    clip_value: NotNegative = 0.0
    """largest absolute value of a gradient's entry; 0 is off"""
    weight_decay: NotNegative = 0.0
    """adamw: decoupled from the gradient (Loshchilov & Hutter 2019); other rules: the L2 term, added to the gradient"""
    average_decay: Fraction = 0.0
    """decay of the running average of parameters that is evaluated in their place; 0 is off"""


def learning_rate_schedule(config: Optimization, steps: int) -> optax.Schedule:
    """The learning rate at each step of a run of ``steps`` steps, warm-up included."""
    after_warmup = max(steps - config.warmup_steps, 1)
    match config.schedule:
        case "constant":
            schedule = optax.constant_schedule(config.learning_rate)
        case "step":
            factors = {step - config.warmup_steps: config.decay_factor for step in config.decay_steps}
            schedule = optax.piecewise_constant_schedule(config.learning_rate, factors)
        case "cosine":
            schedule = optax.cosine_decay_schedule(config.learning_rate, after_warmup)
    if config.warmup_steps:
        warmup = optax.linear_schedule(0.0, config.learning_rate, config.warmup_steps)
        schedule = optax.join_schedules([warmup, schedule], [config.warmup_steps])
    return lambda count: schedule(jnp.asarray(count, float))  # Optax mixes the count's integers with its own floats


def _direction(config: Optimization) -> optax.GradientTransformation:
    match config.optimizer:
        case "sgd":
            return optax.identity()
        case "momentum":
            return optax.trace(config.momentum)
        case "nesterov":
            return optax.trace(config.momentum, nesterov=True)
        case "adam" | "adamw":
            return optax.scale_by_adam(config.beta1, config.beta2, config.epsilon)
        case "rmsprop":
            return optax.scale_by_rms(config.momentum, config.epsilon, eps_in_sqrt=False)


def make_optimizer(config: Optimization, steps: int) -> optax.GradientTransformation:
    """Clipping, then the rule's direction and weight decay, then the scheduled learning rate."""
    parts = []
    if config.clip_value:
        parts.append(optax.clip(config.clip_value))
    if config.clip_norm:
        parts.append(optax.clip_by_global_norm(config.clip_norm))
    decay = [optax.add_decayed_weights(config.weight_decay)] if config.weight_decay else []
    direction = [_direction(config)]
    parts += direction + decay if config.optimizer == "adamw" else decay + direction
    parts.append(optax.scale_by_learning_rate(learning_rate_schedule(config, steps)))
    return optax.chain(*parts)
