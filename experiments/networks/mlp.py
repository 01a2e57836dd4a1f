"""Multi-layer perceptrons by settings."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Gt

from models.mlp import MLPClassifier


@dataclass(frozen=True, kw_only=True)
class MLPNetwork:
    """The layers of the perceptron."""

    widths: tuple[Annotated[int, Gt(0)], ...] = (128, 128)
    """units of the hidden layers; none is softmax regression"""
    activation: Literal["relu", "tanh", "sigmoid"] = "relu"
    """activation of the hidden layers"""

    def classifier(self, classes: int) -> MLPClassifier:
        """The network with one output a class."""
        return MLPClassifier(self.widths, classes, self.activation)
