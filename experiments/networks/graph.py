"""Networks of graphs by settings, and how they are trained: always on the whole graph."""

from dataclasses import dataclass
from typing import Annotated, Literal

import jax
from annotated_types import Gt
from flax import linen as nn
from jaxtyping import PyTree
from optax import GradientTransformation

from experiments.run.settings import Count, Settings
from models.graph_net import APPNP, FIRST_LAYER, GAT, GCN, SGC, NodeMLP
from train.optimizers import Fraction, Optimization, Positive, make_optimizer

Method = Literal["gcn", "gat", "sgc", "appnp", "mlp"]
_OF_METHODS = {
    "width": {"gcn", "gat", "appnp", "mlp"},
    "dropout": {"gcn", "gat", "appnp", "mlp"},
    "heads": {"gat"},
    "passes": {"sgc", "appnp"},
    "teleport": {"appnp"},
}


@dataclass(frozen=True, kw_only=True)
class NodeNetwork:
    """The network that classifies nodes."""

    method: Method = "gcn"
    """graph convolution, graph attention, simplified graph convolution, personalised PageRank of a perceptron's
    predictions, or the perceptron alone, which knows no neighbour"""
    width: Count = 16
    """units of the hidden layer; of gat, of each of its heads"""
    heads: tuple[Count, Count] = (8, 1)
    """gat: heads of the hidden layer and of the last"""
    dropout: Fraction = 0.5
    """share that is dropped in training where the paper drops: of each layer's input, and of gat's and appnp's edges"""
    passes: Count = 2
    """sgc, appnp: how often values are passed on"""
    teleport: Annotated[float, Gt(0)] = 0.1
    """appnp: probability to begin again at each pass"""

    def idle(self) -> dict[str, str]:
        """What the method does not have."""
        return {
            name: f"with --method {self.method}" for name, methods in _OF_METHODS.items() if self.method not in methods
        }

    def build(self, classes: int) -> nn.Module:
        """The network with one output a class."""
        match self.method:
            case "gcn":
                return GCN((self.width,), classes, self.dropout)
            case "gat":
                return GAT(self.heads, self.width, classes, self.dropout)
            case "sgc":
                return SGC(classes, self.passes)
            case "appnp":
                return APPNP((self.width,), classes, self.dropout, self.teleport, self.passes)
            case "mlp":
                return NodeMLP((self.width,), classes, self.dropout)


@dataclass(frozen=True, kw_only=True)
class GraphOptimization(Optimization):
    """How parameters move; a penalty may be of the first layer alone, as Kipf & Welling 2017 have it."""

    learning_rate: Positive = 0.01
    """its peak value"""
    penalized: Literal["all", "kernels", "first_layer"] = "first_layer"
    """what weight decay and L1 act on: all parameters that descend, those of two or more axes, or the first layer's"""

    def build(self, steps: int) -> GradientTransformation:
        """The optimiser of a run of ``steps`` steps."""
        return make_optimizer(self, steps, penalized=first_layer if self.penalized == "first_layer" else None)


def first_layer(params: PyTree) -> PyTree[bool]:
    """The mask of the first layer's parameters."""
    return jax.tree_util.tree_map_with_path(lambda path, _: f"['{FIRST_LAYER}']" in jax.tree_util.keystr(path), params)


def refuse_parts(settings: Settings) -> None:
    """``ValueError`` where a batch is cut: each part would take the whole graph, and draw for it anew."""
    if settings.parts > 1:
        raise ValueError(
            f"--accumulate {settings.parts} cuts the batch, and each part would take the whole graph: leave it out"
        )
