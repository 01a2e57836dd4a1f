"""Normalisation: how deep a convolutional net can be, with batch or layer normalisation, sums, or concatenation.

Papers: Ioffe & Szegedy 2015 (batch normalisation); Ba et al. 2016 (layer normalisation); He et al. 2016 (residual
sums, and the degradation of plain nets with their depth); Huang et al. 2017 (concatenation); Hu et al. 2018
(squeeze-and-excitation). Claim: trained alike, a plain net of 4 layers learns the digits and one of 40 does not;
normalisation alone hardly helps it, batch normalisation even makes the gradient grow with every layer that it passes
on its way back (Yang et al. 2019); with sums or concatenation the error does not rise with the depth. (``--seeds 5``,
40 layers: 82 ± 18 % are wrong of a plain net, 63 ± 8 with batch normalisation, 53 ± 19 with layer normalisation, 5.8 ±
1.0 with batch normalisation and sums, 3.4 ± 1.0 with sums alone, 1.8 ± 0.7 with concatenation.) Command: ``lectern run
normalization`` (digits, 2 min on two CPU cores). Expected figures: ``errors`` by depth, ``gradients`` by layer.
"""

from experiments.run.card import Card

CARD = Card(
    systems=("C8", "C9", "C10"),
    smoke=dict(batch_size=32, nets=("batch", "dense"), depths=(1, 2), width=4),
    presets=dict(
        plain=dict(nets=("plain",)),
        batch=dict(nets=("batch",)),
        layer=dict(nets=("layer",)),
        residual=dict(nets=("residual",)),
        dense=dict(nets=("dense",)),
        squeeze_excitation=dict(nets=("residual", "squeeze_excitation")),
        full=dict(steps=1500, width=16, growth=4),
    ),
)
