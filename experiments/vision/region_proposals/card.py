"""Regions proposed by selective search and classified one by one, beside a detector that sees the picture once.

Papers: Uijlings et al. 2013 (the search, its fast form), Girshick et al. 2014 (R-CNN, here with a softmax and without
regression of boxes). Claim: regions that are merged by colour, texture, size and fill cover objects with few boxes,
where sliding windows take a thousand (99.4 % of objects by 38 boxes an image), and a small classifier of them learns
from few scenes: AP50 90.8 and 91.2 %, seeds 0 and 1, a single shot of the same scenes and steps 38.8 and 40.6 %.
Command: ``lectern run region_proposals`` (generated scenes in colours, 2 minutes on two CPU cores). Expected figures:
``recall``, ``hierarchy``, ``found``. From memory, the papers print a recall of 99 % and an average best overlap of
0.879 of 10,097 boxes on PASCAL VOC 2007, and a mean AP of 53.3 % on VOC 2012; no preset can repeat them without those
pictures and a net that is trained on ImageNet.
"""

from experiments.run.card import Card

CARD = Card(
    systems=("V14",),
    smoke=dict(
        scenes=12,
        held_out=4,
        image_size=32,
        objects=2,
        most_side=20.0,
        batch_size=4,
        pattern="CONV 2 stride 2 → RELU → FC",
        widths=(4, 4, 4, 4),
        features=4,
        detections=4,
        proposals=12,
        crop=6,
        sampled=6,
        on_objects=2,
        single_shot="single_map",
    ),
)
