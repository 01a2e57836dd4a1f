"""Multi-layer perceptrons."""

from collections.abc import Callable, Sequence

import jax
from flax import linen as nn
from jaxtyping import Array, Float

from models.layers.initializers import GLOROT_UNIFORM

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "relu": jax.nn.relu,
    "tanh": jax.numpy.tanh,
    "sigmoid": jax.nn.sigmoid,
    "silu": jax.nn.silu,
    "linear": lambda z: z,
}


class MLP(nn.Module):
    """Dense layers, each followed by the activation:  h ← a(W h + b).  Weights start uniform as in Glorot & Bengio
    2010.
    """

    widths: Sequence[int]
    activation: str = "relu"

    @nn.compact
    def __call__(self, inputs: Float[Array, "*batch features"]) -> Float[Array, "*batch last_width"]:
        hidden = inputs
        for width in self.widths:
            hidden = ACTIVATIONS[self.activation](nn.Dense(width, kernel_init=GLOROT_UNIFORM)(hidden))
        return hidden


class MLPClassifier(nn.Module):
    """Image → dense layers → one logit a class; without widths it is softmax regression.

    The last layer starts at zero: at first all classes are equally probable.
    """

    widths: Sequence[int]
    classes: int
    activation: str = "relu"

    @nn.compact
    def __call__(self, images: Float[Array, "*batch height width channels"]) -> Float[Array, "*batch classes"]:
        features = MLP(self.widths, self.activation)(images.reshape(*images.shape[:-3], -1))
        return nn.Dense(self.classes, kernel_init=nn.initializers.zeros)(features)
