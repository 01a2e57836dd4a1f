"""Universal approximation: the error of one hidden layer falls with its width; deep nets need fewer units.

Papers: Cybenko 1989 and Hornik et al. 1989, one hidden layer comes as near as you like to any continuous function on
[0, 1]; Telgarsky 2016, d layers of two rectified linear units make a sawtooth of 2^d pieces with 6d + 1 parameters,
while one hidden layer of as many has at most 2d + 1 pieces, and so somewhere an error of 1/2 or more (d ≥ 3).
Claim: both, by training. The largest error on a function without a derivative anywhere falls from 0.55 to 0.02 between
1 and 256 units. On the sawtooth of 32 pieces the net by hand is exact with 31 parameters, and one hidden layer of 31
does not come below 1/2; of two trained nets with 9,553 parameters the deep one ends at a mean square error near 2e-6,
the shallow one, which could compute it too, at 2e-2. Command: ``lectern run universal_approximation`` (40 s on two CPU
cores).
"""

from experiments.run.card import Card

CARD = Card(
    systems=("F2",),
    smoke=dict(schedule="constant", widths=(1, 4), deep_width=8),
    presets=dict(wave=dict(target="wave"), relu=dict(activation="relu")),
)
