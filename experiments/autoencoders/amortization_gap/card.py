"""Amortisation gap: what an encoder loses against variational parameters of every image's own.

Paper: Cremer et al. 2018, who split what the ELBO loses of log p(x) in two: the amortisation gap, which vanishes when
each image's mean and variance are fitted for themselves, and the approximation gap, because no Gaussian of independent
dimensions is the posterior. Claim: both are positive; fitting from the encoder's output and from the prior ends at the
same bound. All bounds of an image are measured with the same new noise, which nothing was fitted to.
Command: ``lectern run amortization_gap`` (digits, a minute on two CPU cores). Expected figure: ``ascent``.
"""

from experiments.run.card import Card

CARD = Card(
    systems=("A13",),
    smoke=dict(importance_samples=10, widths=(16,), fit_steps=5),
)
