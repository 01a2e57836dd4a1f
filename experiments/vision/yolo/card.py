"""YOLOv3: boxes and classes of all objects in one pass, from three maps of a pyramid.

Papers: Redmon et al. 2016 (the lecture's squared losses, preset ``lecture``), Redmon & Farhadi 2018 (Darknet-53, three
scales, cross-entropies; 57.9 % AP50 on COCO test-dev at 608 pixels, which takes COCO and cannot be repeated offline).
Claim: a net that says of every cell and anchor whether an object is there, where and of which class, finds shapes that
hide each other, in a slim form with 208,000 parameters: AP50 of 85 % or more after 2,000 steps (91.5 ± 1.0 % over
five seeds; AP over IoU 0.5 to 0.95 is 49.9 %, as boxes are some pixels off). Command: ``lectern run yolo`` (scenes of
shapes, 2 minutes on two CPU cores). Expected figures: ``found``, ``maps``, ``precision``.
"""

from experiments.run.card import Card

CARD = Card(
    systems=("V12",),
    smoke=dict(
        scenes=16,
        held_out=10,
        image_size=32,
        batch_size=4,
        widths=(4, 4, 4, 4),
        blocks=(0, 0, 0),
        head=1,
        detections=5,
        objects=2,
        least_side=6.0,
        most_side=14.0,
    ),
    presets=dict(
        lecture=dict(loss="squared", ignore_threshold=1.0),
        full=dict(
            widths=(32, 64, 128, 256, 512, 1024),
            blocks=(1, 2, 8, 8, 4),
            head=5,
            image_size=416,
            channels=3,
            batch_size=8,
            learning_rate=1e-3,
        ),
    ),
)
