"""How any network is applied while it is trained: noise and precision, from outside of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from models.dropout import with_dropout
from train.optimizers import Fraction
from train.precision import Precision, compute_in


@dataclass(frozen=True, kw_only=True)
class NetworkTraining:
    """How the network is applied in training."""

    dropout: Fraction = 0.0
    """share of a hidden layer's output that is dropped in training"""
    input_dropout: Fraction = 0.0
    """share of the network's input that is dropped in training"""
    precision: Precision = "float32"
    """of the network in training; parameters, losses and the final evaluation are float32"""

    def wrap(self, apply: Callable[..., Any]) -> Callable[..., Any]:
        """A network's ``apply`` as a loss calls it, with one key per example first: ``(keys, params, *inputs)``."""
        return with_dropout(compute_in(self.precision, apply), rate=self.dropout, input_rate=self.input_dropout)


def without_noise(apply: Callable[..., Any]) -> Callable[..., Any]:
    """``apply`` called as in training, with keys first that nothing is drawn from: for evaluations."""
    return lambda keys, *given, **options: apply(*given, **options)
