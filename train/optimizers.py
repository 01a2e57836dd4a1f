"""Optimisers by configuration: a frozen dataclass in, an Optax transformation out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

import jax.numpy as jnp
import optax
from annotated_types import Ge, Gt, Lt
from jaxtyping import PyTree

from train.regularization import add_l1_subgradient, kernels, project_units

Positive = Annotated[float, Gt(0)]
NotNegative = Annotated[float, Ge(0)]
Fraction = Annotated[float, Ge(0), Lt(1)]


@dataclass(frozen=True, kw_only=True)
class UpdateRule:
    """How parameters move, given their gradient."""

    optimizer: Literal[
        "sgd", "momentum", "nesterov", "classical_momentum", "nesterov_accelerated_gradient", "adam", "adamw", "rmsprop"
    ] = "adam"
    """the update rule; classical_momentum and nesterov_accelerated_gradient have the learning rate inside the velocity,
    which matters only while it moves"""
    learning_rate: Positive = 1e-3
    """its peak value"""
    schedule: Literal["constant", "step", "cosine"] = "constant"
    """how the learning rate moves after the warm-up; cosine ends at the last step, at --final-learning-rate"""
    final_learning_rate: NotNegative = 0.0
    """where the cosine schedule ends"""
    warmup_steps: Annotated[int, Ge(0)] = 0
    """steps over which the learning rate rises linearly from 0"""
    decay_steps: tuple[Annotated[int, Gt(0)], ...] = ()
    """steps at which the step schedule multiplies the learning rate by --decay-factor"""
    decay_factor: Positive = 0.1
    """factor of the step schedule"""
    momentum: Fraction = 0.9
    """momentum of momentum and nesterov, in both forms, and of rmsprop's running square"""
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
    l1: NotNegative = 0.0
    """weight of the L1 term, whose subgradient is added to the gradient"""
    penalized: Literal["all", "kernels"] = "all"
    """what weight decay and L1 act on: all parameters that descend, or those of two or more axes"""
    max_norm: NotNegative = 0.0
    """largest norm of a unit's incoming weights, to which kernels are projected after each step; 0 is off"""

    def idle(self) -> dict[str, str]:
        """Fields without an effect beside the others' values, and the reason."""
        rule, schedule = f"with --optimizer {self.optimizer}", f"with --schedule {self.schedule}"
        idle = {name: rule for name, rules in _OF_RULES.items() if self.optimizer not in rules}
        if not (self.weight_decay or self.l1):
            idle["penalized"] = "without --weight-decay and --l1"
        of_others = {name: schedule for name, of in _OF_SCHEDULES.items() if self.schedule != of}
        return idle | of_others


@dataclass(frozen=True, kw_only=True)
class Optimization(UpdateRule):
    """How parameters move."""

    average_decay: Fraction = 0.0
    """decay of the running average of parameters that is evaluated in their place; 0 is off"""
    accumulate: Annotated[int, Gt(0)] = 1
    """equal parts of the batch whose gradients are taken one after the other; changes memory, not numbers"""


_OF_RULES = {
    "momentum": {"momentum", "nesterov", "classical_momentum", "nesterov_accelerated_gradient", "rmsprop"},
    "beta1": {"adam", "adamw"},
    "beta2": {"adam", "adamw"},
    "epsilon": {"adam", "adamw", "rmsprop"},
}
_OF_SCHEDULES = {"decay_steps": "step", "decay_factor": "step", "final_learning_rate": "cosine"}


def learning_rate_schedule(config: UpdateRule, steps: int) -> optax.Schedule:
    """The learning rate at each step of a run of ``steps`` steps, warm-up included."""
    after_warmup = max(steps - config.warmup_steps, 1)
    match config.schedule:
        case "constant":
            schedule = optax.constant_schedule(config.learning_rate)
        case "step":
            factors = {step - config.warmup_steps: config.decay_factor for step in config.decay_steps}
            schedule = optax.piecewise_constant_schedule(config.learning_rate, factors)
        case "cosine":
            floor = config.final_learning_rate / config.learning_rate
            schedule = optax.cosine_decay_schedule(config.learning_rate, after_warmup, floor)
    if config.warmup_steps:
        warmup = optax.linear_schedule(0.0, config.learning_rate, config.warmup_steps)
        schedule = optax.join_schedules([warmup, schedule], [config.warmup_steps])
    return lambda count: schedule(jnp.asarray(count, float))  # Optax mixes the count's integers with its own floats


def _direction(config: UpdateRule) -> optax.GradientTransformation:
    match config.optimizer:
        case "sgd":
            return optax.identity()
        case "momentum" | "classical_momentum":
            return optax.trace(config.momentum)
        case "nesterov" | "nesterov_accelerated_gradient":
            return optax.trace(config.momentum, nesterov=True)
        case "adam" | "adamw":
            return optax.scale_by_adam(config.beta1, config.beta2, config.epsilon)
        case "rmsprop":
            return optax.scale_by_rms(config.momentum, config.epsilon, eps_in_sqrt=False)


def make_optimizer(
    config: UpdateRule, steps: int, *, penalized: Callable[[PyTree], PyTree[bool]] | None = None
) -> optax.GradientTransformation:
    """Clipping and the L1 term, then the rule's direction and weight decay, then the scheduled learning rate η; the
    projection of ``max_norm`` comes last.

    Momentum μ has two forms. ``momentum`` and ``nesterov`` sum gradients g, and the present rate scales the whole sum,
    as in Optax and PyTorch; the other two sum steps, each of which keeps the rate it was made with, as in Lecture 003,
    section 2.1 (where minus signs are lost), Polyak 1964 and Sutskever et al. 2013, whose names they have:

        momentum                        v ← μ v + g,     w ← w − η v
        nesterov                        v ← μ v + g,     w ← w − η (g + μ v)
        classical_momentum              v ← μ v − η g,   w ← w + v
        nesterov_accelerated_gradient   v ← μ v − η g,   w ← w − η g + μ v

    While η is constant both forms take the same steps (the velocities differ by the factor −η); when η falls, the
    second coasts on at its old speed. Nesterov's gradient is taken where the momentum leads, at θ + μ v of the paper's
    parameters θ; the parameters w of both rules are these points.

    ``penalized``, from parameters to a tree of bools, says what weight decay and L1 act on where neither of the
    configuration's words does.
    """
    mask = penalized or {"all": None, "kernels": kernels}[config.penalized]

    def of_penalized(part: optax.GradientTransformation) -> optax.GradientTransformation:
        return optax.masked(part, mask) if mask else part

    parts = []
    if config.clip_value:
        parts.append(optax.clip(config.clip_value))
    if config.clip_norm:
        parts.append(optax.clip_by_global_norm(config.clip_norm))
    if config.l1:
        parts.append(of_penalized(add_l1_subgradient(config.l1)))
    decay = [of_penalized(optax.add_decayed_weights(config.weight_decay))] if config.weight_decay else []
    direction = _direction(config)
    rate = optax.scale_by_learning_rate(learning_rate_schedule(config, steps))
    match config.optimizer:
        case "adamw":
            parts += [direction, *decay, rate]
        case "classical_momentum" | "nesterov_accelerated_gradient":
            parts += [*decay, rate, direction]
        case _:
            parts += [*decay, direction, rate]
    if config.max_norm:
        parts.append(project_units(config.max_norm))
    return optax.chain(*parts)
