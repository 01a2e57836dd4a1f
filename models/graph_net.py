"""Networks of nodes in a graph: graph convolution and what is like it. A graph goes in, a row for each node comes out.

Their first layer multiplies sparse features, so that its cost is that of what is not zero; it is called ``layer_0``.
``Dropout`` stands where each paper drops; ``with_dropout_of_whole`` makes it drop.
"""

from collections.abc import Sequence

import jax
from flax import linen as nn
from jaxtyping import Array, Float

from models.dropout import Dropout
from models.layers.graph import (
    Edges,
    Graph,
    message_passing,
    segment_softmax,
    symmetric_normalization,
    with_self_loops,
)
from models.layers.graph_attention import graph_attention_scores
from models.layers.initializers import GLOROT_UNIFORM
from models.layers.propagation import personalized_pagerank, propagate
from models.mlp import ACTIVATIONS

FIRST_LAYER = "layer_0"
"""Its parameters, in every network here."""


def _ones(graph: Graph) -> Float[Array, " edges"]:
    return jax.numpy.ones(len(graph.senders), graph.value.dtype)


def _normalized(graph: Graph) -> Edges:
    return symmetric_normalization(graph.senders, graph.receivers, _ones(graph), nodes=len(graph.degrees))


class SparseDense(nn.Module):
    """The features of all nodes times a kernel:  X W,  X being sparse, after ``dropout`` of its entries."""

    width: int
    dropout: float = 0.0

    @nn.compact
    def __call__(self, graph: Graph) -> Float[Array, "nodes width"]:
        kernel = self.param("kernel", GLOROT_UNIFORM, (len(graph.occurrences), self.width), graph.value.dtype)
        kept = Dropout(self.dropout)(graph.value)
        return message_passing(kernel, graph.feature, graph.node, kept, nodes=len(graph.degrees))


def _linear(hidden: Graph | Array, width: int, dropout: float, number: int) -> Float[Array, "nodes width"]:
    """The kernel of layer ``number``, applied after dropout to the graph's features or to what is hidden."""
    name = f"layer_{number}"
    if isinstance(hidden, Graph):
        return SparseDense(width, dropout, name=name)(hidden)
    return nn.Dense(width, use_bias=False, kernel_init=GLOROT_UNIFORM, name=name)(Dropout(dropout)(hidden))


class GCN(nn.Module):
    """Graph convolutions:  H ← a(Â H W),  the last without the activation a.

    Â is the symmetrically normalised adjacency with a loop at each node. Kipf & Welling 2017, equation 9.
    """

    widths: Sequence[int]
    outputs: int
    dropout: float = 0.0
    activation: str = "relu"

    @nn.compact
    def __call__(self, graph: Graph) -> Float[Array, "nodes outputs"]:
        edges, hidden = _normalized(graph), graph
        for number, width in enumerate((*self.widths, self.outputs)):
            moved = message_passing(_linear(hidden, width, self.dropout, number), *edges, nodes=len(graph.degrees))
            hidden = ACTIVATIONS[self.activation](moved) if number < len(self.widths) else moved
        return hidden


class GAT(nn.Module):
    """Graph attention: every node weighs its neighbours and itself, several heads side by side.

        H ← ELU(‖_k Σ_j α_ij^k H_j W^k + b),   the last layer the mean over its heads, without ELU

    ``dropout`` is of each layer's input and of the weights α. Veličković et al. 2018, equations 3 to 6, section 3.3.
    """

    heads: Sequence[int]
    """of each layer, the last included"""
    width: int
    """units of a head before the last layer"""
    outputs: int
    dropout: float = 0.0

    @nn.compact
    def __call__(self, graph: Graph) -> Float[Array, "nodes outputs"]:
        nodes, hidden = len(graph.degrees), graph
        senders, receivers, _ = with_self_loops(graph.senders, graph.receivers, _ones(graph), nodes=nodes)
        last = len(self.heads) - 1
        for number, heads in enumerate(self.heads):
            width = self.outputs if number == last else self.width
            values = _linear(hidden, heads * width, self.dropout, number).reshape(nodes, heads, width)
            of_sender, of_receiver = (
                self.param(f"attention_{number}_{end}", GLOROT_UNIFORM, (heads, width), values.dtype)
                for end in ("sender", "receiver")
            )
            scores = graph_attention_scores(values, of_sender, of_receiver, senders, receivers)
            weights = Dropout(self.dropout)(segment_softmax(scores, receivers, nodes=nodes))
            joined = message_passing(values, senders, receivers, weights, nodes=nodes)
            together = joined.mean(axis=1) if number == last else joined.reshape(nodes, heads * width)
            moved = together + self.param(f"bias_{number}", nn.initializers.zeros, together.shape[1:], values.dtype)
            hidden = moved if number == last else jax.nn.elu(moved)
        return hidden


class SGC(nn.Module):
    """Softmax regression on features that were passed on K times:  Âᴷ X W + b.

    The kernel is applied first, which is the same and costs less. Wu et al. 2019, equation 8.
    """

    outputs: int
    steps: int = 2

    @nn.compact
    def __call__(self, graph: Graph) -> Float[Array, "nodes outputs"]:
        bias = self.param("bias", nn.initializers.zeros, (self.outputs,), graph.value.dtype)
        return propagate(_linear(graph, self.outputs, 0.0, 0), _normalized(graph), steps=self.steps) + bias


class NodeMLP(nn.Module):
    """A perceptron of each node's features, which knows no neighbour:  H ← relu(H W),  the last without relu."""

    widths: Sequence[int]
    outputs: int
    dropout: float = 0.0

    @nn.compact
    def __call__(self, graph: Graph) -> Float[Array, "nodes outputs"]:
        hidden = graph
        for number, width in enumerate((*self.widths, self.outputs)):
            moved = _linear(hidden, width, self.dropout, number)
            hidden = jax.nn.relu(moved) if number < len(self.widths) else moved
        return hidden


class APPNP(nn.Module):
    """A perceptron's predictions, passed on by personalised PageRank, ``dropout`` also of edges at each step.

    Gasteiger et al. 2019, equation 4. Here the edges that are dropped are the same at all steps.
    """

    widths: Sequence[int]
    outputs: int
    dropout: float = 0.0
    teleport: float = 0.1
    steps: int = 10

    @nn.compact
    def __call__(self, graph: Graph) -> Float[Array, "nodes outputs"]:
        own = NodeMLP(self.widths, self.outputs, self.dropout, name="perceptron")(graph)
        edges = _normalized(graph)
        edges = edges._replace(weights=Dropout(self.dropout)(edges.weights))
        return personalized_pagerank(own, edges, teleport=self.teleport, steps=self.steps)


class EmbeddedGCN(nn.Module):
    """Graph convolutions with tanh whose last ``widths`` is drawn, and a softmax regression on it.

    ``embed`` gives what is drawn. Kipf & Welling 2017, appendix A.1.
    """

    widths: Sequence[int]
    outputs: int

    def setup(self) -> None:
        *hidden, drawn = self.widths
        self.convolutions = GCN(hidden, drawn, activation="tanh")
        self.readout = nn.Dense(self.outputs, kernel_init=GLOROT_UNIFORM)

    def embed(self, graph: Graph) -> Float[Array, "nodes drawn"]:
        return jax.numpy.tanh(self.convolutions(graph))

    def __call__(self, graph: Graph) -> Float[Array, "nodes outputs"]:
        return self.readout(self.embed(graph))
