"""Information and divergence: which Gaussian covers a bimodal density and which seeks a mode; a bit; Monte Carlo.

Papers: Shannon 1948 (entropy), Kullback & Leibler 1951 (divergence), Minka 2005 for the two directions; Lecture 004,
"Entropy and divergence".
Claim: of all Gaussians q, the one with the least KL(p ‖ q) has the mean and the variance of p, and so lies over both
modes, where p itself has least; the one with the least KL(q ‖ p) lies on one mode, and costs about log 1/w nats for the
share w of p that is there (from a wide start it may come to rest over both modes, at a local optimum that costs more:
preset ``wide``, most seeds). An average of log-ratios over n draws comes to the closed form within its standard error,
which falls as 1/√n.
Command: ``lectern run information`` (15 s on two CPU cores). Expected figure: ``fits``.
"""

from experiments.run.card import Card

CARD = Card(
    systems=("F9",),
    smoke=dict(batch_size=32, draws=1000),
    presets=dict(equal=dict(weight=0.5), wide=dict(distance=1.5, initial_deviation=1.0)),
)
