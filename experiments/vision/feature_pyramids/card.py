"""Four ways to see objects of all sizes: image pyramid, single map, hierarchy of maps, feature pyramid network.

Paper: Lin et al. 2017, figure 1; the hierarchy is Liu et al. 2016 (SSD). Claim: a single map misses small objects
(average precision 3.5 %, seeds 0 to 2), and every way to look at several scales finds them: an image pyramid (25.7 %)
for five times the work, a hierarchy (19.0 %) and a feature pyramid (17.6 %) for twice; these two differ by no more than
seeds do. One trunk, one head and one loss, of shapes of 4 to 40 pixels that are all of one class. Command: ``lectern
run feature_pyramids`` (generated scenes, four detectors side by side, 2 minutes on two CPU cores). Expected figures:
``precision``, a table; ``cost``; ``found``. The paper's tables are of COCO, from a trunk that is trained on ImageNet,
and cannot be repeated offline.
"""

from experiments.run.card import Card

CARD = Card(
    systems=("V13",),
    smoke=dict(
        scenes=16,
        held_out=8,
        image_size=32,
        objects=2,
        most_side=20.0,
        batch_size=4,
        widths=(4, 4, 4, 4),
        features=4,
        detections=4,
        forms=("feature_pyramid",),
    ),
)
