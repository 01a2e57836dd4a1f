"""LIMP: a latent space of deformable shapes in which distances are kept, beside a plain variational autoencoder.

Paper: Cosmo et al. 2020. Claim: where decoded shapes between two others must have distances between theirs, geodesics
are distorted less along interpolations, and style and pose come apart. Command: ``lectern run limp`` (generated figures
that walk), ``--preset sheet``, ``--preset hand``; ``--data-dir FOLDER`` reads meshes. Expected figures: ``distortion``,
``interpolation``, ``pose``, ``swap``; about a minute on two CPU cores. Distances of the evaluation are exact, by
pygeodesic, and files are read by trimesh: ``pip install 'lectern[meshes]'``; generated shapes with ``--measured 0`` do
without both. The paper's code prints no table, and so there is no published figure.
"""

from experiments.run.card import Card

CARD = Card(
    systems=("A19",),
    samples=True,
    smoke=dict(
        shape="sheet", rows=4, columns=4, examples=16, landmarks=2, widths=(8,), style=1, pose=1, batch_size=4,
        measured=0,
    ),
    presets=dict(sheet=dict(shape="sheet", style=2, pose=2), hand=dict(shape="hand", style=4, pose=3)),
)  # fmt: skip
