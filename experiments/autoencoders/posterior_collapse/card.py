"""Posterior collapse: a decoder that stops listening to its latent, and three remedies, side by side.

Papers: Bowman et al. 2016 and Sønderby et al. 2016 (the KL term warms up), Kingma et al. 2016, appendix C.8 (free
bits), Burda et al. 2016 (active units; the importance-weighted bound). Claim: behind layers of sigmoids the plain
ELBO's KL term switches latents off before the decoder has learnt to use them. Warm-up keeps more of them on and gains a
nat of log-likelihood; free bits and the importance-weighted bound keep nearly all on, and gain early in training only.
Command: ``lectern run posterior_collapse`` (digits, a minute on two CPU cores). Expected figure: ``activity``, where
the plain model has the fewest active units.
"""

from experiments.run.card import Card

CARD = Card(
    systems=("A15",),
    smoke=dict(importance_samples=10, widths=(16,), latent=4),
)
