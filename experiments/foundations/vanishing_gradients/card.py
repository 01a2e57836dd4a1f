"""Vanishing and exploding gradients: which deep perceptrons learn, and why the others cannot.

Papers: Hochreiter 1991 and Bengio et al. 1994 (what happens); Glorot & Bengio 2010 and He et al. 2015 (weights of the
right size); He et al. 2016 (residual connections); Ba et al. 2016 (layer normalisation); Pascanu et al. 2013
(clipping).
Claim: a sigmoid's derivative is at most 1/4, so the gradient loses three quarters at every layer, and twenty layers
learn nothing; with residual connections, normalisation or both, the same layers learn. Command:
``lectern run vanishing_gradients`` (digits, 40 s on two CPU cores). Expected figure: ``depth``, where the sigmoid falls
by 4 a layer, and whatever learns stays level.
"""

from experiments.run.card import Card

CARD = Card(
    systems=("F7",),
    smoke=dict(
        nets=("sigmoid", "sigmoid_both", "relu_clipped"),
        depth=4,
        width=16,
        compared=("activations",),
        depths=(2, 4),
        draws=2,
    ),
)
