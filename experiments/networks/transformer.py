"""The group that names the shape of a transformer, and how it is trained."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from experiments.run.settings import Count
from models.dropout import with_dropout
from models.transformer import Shape
from train.optimizers import Fraction
from train.precision import Precision, compute_in


@dataclass(frozen=True, kw_only=True)
class Transformer:
    """The blocks of a transformer."""

    depth: Count = 4
    """blocks"""
    heads: Count = 4
    """heads of each attention"""
    width: Count = 128
    """numbers that stand for a symbol"""
    hidden: Count | None = None
    """units of the layer in each block; without a value four times the width"""
    activation: Literal["gelu", "tanh_gelu", "relu"] = "gelu"
    """of these units; tanh_gelu is the approximation of GPT-2"""
    bias: bool = True
    """whether dense layers and normalisations have biases"""
    norm: Literal["before", "after"] = "before"
    """normalise what a residual branch sees, or its sum with the branch, as in 2017"""
    dropout: Fraction = 0.0
    """share that is dropped in training: of the embedding, of attention weights, and of what each branch adds"""
    precision: Precision = "float32"
    """of the network in training; parameters, losses and the final evaluation are float32"""

    def __post_init__(self):
        if self.width % self.heads:
            raise ValueError(f"--width {self.width} must be a multiple of --heads {self.heads}")

    @property
    def shape(self) -> Shape:
        """As the network takes it."""
        hidden = self.hidden or 4 * self.width
        return Shape(self.depth, self.heads, self.width, hidden, self.activation, self.bias, self.dropout, self.norm)

    def wrap(self, apply: Callable[..., Any]) -> Callable[..., Any]:
        """A network's ``apply`` as a loss calls it, with one key per example first: ``(keys, params, *inputs)``."""
        return with_dropout(compute_in(self.precision, apply), rate=0.0, input_rate=0.0)
