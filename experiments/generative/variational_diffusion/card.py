"""Variational diffusion: the bound of the likelihood under three fixed noise schedules, and under a learnt one.

Paper: Kingma et al. 2021. Claim: between the same ends the bound is the same for every schedule, and what differs is
how much a draw of it varies; a schedule that is learnt for little variance makes all times cost alike. Of points whose
density is known the bound is set beside it (``exact/nll``). Command: ``lectern run variational_diffusion`` (generated
points, a minute on two CPU cores), ``--density rings``. Expected figure: ``schedules``: λ over time, and what each time
costs.
"""

from experiments.run.card import Card

CARD = Card(
    systems=("G3",),
    smoke=dict(batch_size=8, widths=(8,), units=2, draws=4, samples=20, count=200),
    presets=dict(rings=dict(density="rings"), checkerboard=dict(density="checkerboard")),
)
