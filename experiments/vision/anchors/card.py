"""Anchors: a few sizes that stand for all boxes of a training set, by k-means under 1 − IoU, and by hand.

Papers: Redmon & Farhadi 2017 (k-means under 1 − IoU; figure 2, table 1). Claim: two or more sizes that are clustered
overlap boxes more than as many squares whose sides grow geometrically from the least to the largest: 74.8 % against
70.1 with five, 80.8 against 73.1 with nine (``--seeds 3``). On PASCAL VOC 2007 the paper's table 1 prints 61.0 % for
five clusters, 60.9 for nine anchors by hand and 67.2 for nine clusters; from memory, and no preset can repeat it
without those pictures. Command: ``lectern run anchors`` (scenes of shapes, 10 s on two CPU cores). Expected figures:
``overlap_by_count``, ``sizes``, ``suppression``.
"""

from experiments.run.card import Card

CARD = Card(systems=("V11",), smoke=dict(scenes=40, held_out=10, most_anchors=3))
