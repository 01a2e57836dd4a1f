"""Networks of sequences by settings: a recurrent cell, or dilated causal convolutions in its place."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from flax import linen as nn
from jaxtyping import Array, Key

from experiments.run.settings import Count
from models.dropout import with_dropout
from models.recurrent_net import RecurrentNet
from models.temporal_conv_net import TemporalConvNet
from train.optimizers import Fraction
from train.precision import Precision, compute_in
from train.task import Params


@dataclass(frozen=True, kw_only=True)
class RecurrentNetwork:
    """Which recurrent network."""

    cell: Literal["rnn", "irnn", "lstm", "lstm_without_forget_gate", "lstm_with_peepholes", "gru", "mgu"] = "lstm"
    """what is repeated; irnn: rectifiers, from the identity"""
    units: Count = 64
    """width of the hidden state"""
    layers: Count = 1
    """cells on top of each other"""
    initial_state: Literal["zero", "learned", "sampled"] = "zero"
    """where a sequence begins; sampled: from a normal distribution in training, from its mean afterwards"""
    dropout: Fraction = 0.0
    """share that is dropped in training of what a layer gives to the next and to the output, never between places"""
    precision: Precision = "float32"
    """of the network in training; parameters, losses and the final evaluation are float32"""

    def net(self, outputs: int, **more: Any) -> nn.Module:
        """The network with so many outputs; ``more`` are fields of ``models.recurrent_net.RecurrentNet``."""
        return RecurrentNet(
            outputs, self.cell, self.units, self.layers, initial=self.initial_state, dropout=self.dropout, **more
        )

    def noisy(self, model: nn.Module) -> Callable[..., Any]:
        """The network as it is applied in training, with one key per example first: ``(keys, params, *inputs)``."""
        dropped = with_dropout(compute_in(self.precision, model.apply), rate=0.0, input_rate=0.0)

        def apply(keys: Key[Array, " batch"], params: Params, *inputs: Array) -> Any:
            begun = {"initial_keys": keys} if self.initial_state == "sampled" else {}
            return dropped(keys, params, *inputs, **begun)

        return apply


@dataclass(frozen=True, kw_only=True)
class SequenceNetwork(RecurrentNetwork):
    """Which network of sequences."""

    cell: Literal["rnn", "irnn", "lstm", "lstm_without_forget_gate", "lstm_with_peepholes", "gru", "mgu", "tcn"] = (
        "lstm"
    )
    """what is repeated; irnn: rectifiers, from the identity; tcn: no recurrence, but dilated causal convolutions"""
    window: Count = 8
    """places that a convolution of tcn sees; its --layers are blocks of two"""
    weight_normalization: bool = False
    """learn the lengths of tcn's weights apart from their directions"""

    def idle(self) -> dict[str, str]:
        """Fields of the other kind of network."""
        others = ("initial_state",) if self.cell == "tcn" else ("window", "weight_normalization")
        return dict.fromkeys(others, f"with --cell {self.cell}")

    def net(self, outputs: int, **more: Any) -> nn.Module:
        """The network with so many outputs."""
        if self.cell != "tcn":
            return super().net(outputs, **more)
        return TemporalConvNet(
            outputs,
            self.units,
            self.layers,
            self.window,
            dropout=self.dropout,
            weight_normalization=self.weight_normalization,
            **more,
        )
