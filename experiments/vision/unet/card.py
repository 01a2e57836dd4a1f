"""U-Net: the class of every pixel, with what was seen on the way down beside what comes up, and weighted borders.

Paper: Ronneberger et al. 2015. Claim: a net that sees a picture at several resolutions at once finds shapes and their
borders (five seeds: mean intersection over union 95.0 ± 0.6 %), and a picture of any size is seen tile by tile as if at
once: no pixel differs. Half of the training scenes are windows of larger ones, so that the net knows places far from a
border: of a picture three times as wide it has 81.4 ± 3.2 %, where whole scenes alone had taught it 34.6 %. Command:
``lectern run unet`` (generated scenes, 1½ minutes on two CPU cores); ``--padding VALID`` as published.
Expected figures: ``classes``; ``large``, a picture three times as wide, tile by tile and at once. The paper's warping
error of 0.000353 is that of ISBI 2012's hidden labels, scored by the organisers: nobody can measure it offline.
"""

from experiments.run.card import Card

CARD = Card(
    systems=("V10",),
    smoke=dict(scenes=8, held_out=20, side=16, objects=2, channels=(2, 2), batch_size=4),
    presets=dict(
        valid=dict(padding="VALID"),
        unlabelled=dict(unlabelled=0.5),
        paper_sizes=dict(
            side=388, objects=40, padding="VALID", channels=(64, 128, 256, 512, 1024), batch_size=1,
            optimizer="momentum", momentum=0.99, learning_rate=1e-4, border_weight=10.0, steps=20_000,
        ),
        full=dict(scenes=8000, objects=3, steps=6000, evaluate_every=1000, save_every=1000),
    ),
)  # fmt: skip
