"""Normalising flow of the plane: couplings learn two moons, rings or a checkerboard, and say every point's density.

Papers: Dinh et al. 2015 (additive coupling), Dinh et al. 2017 (RealNVP, affine coupling), Kingma & Dhariwal 2018 (Glow:
activation normalisation, an invertible matrix by its triangular factors). Claim: the log-likelihood is exact. The
density integrates to 1, and its divergence from the density that the data come from, known here, is the same by draws
and by a fine grid. Command: ``lectern run flow_2d`` (moons, a minute on two CPU cores), ``--preset rings``, ``--preset
checkerboard``; ``lectern sample WORKDIR`` gives points with their log-densities. Expected figure: ``densities``.
"""

from experiments.run.card import Card

CARD = Card(
    systems=("G2",),
    samples=True,
    smoke=dict(depth=2, widths=(8,), batch_size=32, count=200, grid=40),
    presets=dict(
        rings=dict(density="rings"),
        checkerboard=dict(density="checkerboard", activation="relu"),
        additive=dict(coupling="additive"),
        mixing=dict(mixing=True),
    ),
)
