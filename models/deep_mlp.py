"""A perceptron of any depth, with the remedies against vanishing and exploding gradients as options.

Lecture 000 and 001, "Vanishing gradient", "Exploding gradient"; Lecture 003, sections 2.2, 3.5 and 3.8.
"""

from flax import linen as nn
from jaxtyping import Array, Float

from models.layers.initializers import GLOROT_UNIFORM, HE_NORMAL, gaussian
from models.mlp import ACTIVATIONS

INITIALIZATIONS: dict[str, nn.initializers.Initializer] = {
    "small": gaussian(0.1),
    "large": gaussian(0.25),
    "glorot": GLOROT_UNIFORM,
    "he": HE_NORMAL,
    "orthogonal": nn.initializers.orthogonal(),
}
"""How the weights of the hidden layers begin, for a layer of n inputs and m outputs; all biases begin at 0.

    small, large    N(0, 0.1²), N(0, 0.25²), whatever the width
    glorot          uniform, of variance 2 / (n + m)                Glorot & Bengio 2010, equation 16
    he              normal, of variance 2 / n                       He et al. 2015, section 2.2
    orthogonal      a random rotation, which keeps all lengths      Saxe et al. 2014
"""


class DeepMLP(nn.Module):
    """Image → ``depth`` hidden layers of ``width`` units → one logit a class.

        h_1 = a(W_1 x + b_1)
        h_l = a(W_l h_{l−1} + b_l)              plain
        h_l = h_{l−1} + a(W_l h_{l−1} + b_l)    with ``residual`` (He et al. 2016)

    With ``normalization`` the layers after the first, and the logits, see N(h) instead of h: layer normalisation with
    a learned scale and shift (Ba et al. 2016), at each branch's beginning as in Xiong et al. 2020.

    Returns every h_l under ``"layer_1"`` … and the ``"logits"``. The gradient of one example's loss in ``layer_l``'s
    bias is the delta δ_l of backpropagation, for W_l … + b_l is all that b_l is added to.
    """

    depth: int
    width: int
    classes: int
    activation: str = "relu"
    initialization: str = "he"
    residual: bool = False
    normalization: bool = False

    @nn.compact
    def __call__(self, images: Float[Array, "*batch height width channels"]) -> dict[str, Float[Array, "*batch _"]]:
        hidden = images.reshape(*images.shape[:-3], -1)
        seen = {}
        for number in range(1, self.depth + 1):
            inputs = nn.LayerNorm(name=f"norm_{number}")(hidden) if self.normalization and number > 1 else hidden
            dense = nn.Dense(self.width, kernel_init=INITIALIZATIONS[self.initialization], name=f"layer_{number}")
            outputs = ACTIVATIONS[self.activation](dense(inputs))
            hidden = hidden + outputs if self.residual and number > 1 else outputs
            seen[f"layer_{number}"] = hidden
        if self.normalization:
            hidden = nn.LayerNorm(name="norm")(hidden)
        readout = nn.Dense(self.classes, kernel_init=GLOROT_UNIFORM, name="readout")
        return seen | {"logits": readout(hidden)}
