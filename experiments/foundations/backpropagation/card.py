"""Backpropagation: gradients by hand beside autodiff's, a convolution as its sparse matrix, costs by formula.

Papers: Rumelhart, Hinton & Williams 1986 (the recursion of the deltas); Lecture 003, section 3.2 (a convolution is a
fully connected layer in which few weights stand many times); Lecture 001 for AlexNet's first layer (Krizhevsky et al.
2012). Claim: layer by layer the recursion gives the gradients of autodiff to float32's rounding, for dense layers and,
once the gradients of equal weights are added, for a convolution; nets that are trained with either end at the same
weights; formulas count the parameters and the floating-point operations that XLA counts.
Command: ``lectern run backpropagation`` (digits, 20 s on two CPU cores). Expected figure: ``matrix``, where tying turns
a gradient without structure into that of a convolution.
"""

from experiments.run.card import Card, Reference

LECTURE = dict(
    cite="gambosi2021",
    where="convolutional networks",
    read="secondary",
    protocol="AlexNet's first layer by formula: a window of 11 × 11 on 3 channels, 96 features, 55 × 55 positions",
    preset="default",
)

CARD = Card(
    systems=("F6", "F8"),
    smoke=dict(batch_size=32, widths=(4,), features=2),
    presets=dict(sigmoid=dict(activation="sigmoid", learning_rate=1.0), relu=dict(activation="relu")),
    references=(
        Reference("alexnet_convolution/parameters", 34_944, "parameters", **LECTURE),
        Reference("alexnet_convolution/units", 290_400, "units", **LECTURE),
    ),
)
