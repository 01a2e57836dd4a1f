"""Fully convolutional nets: 32s, 16s and 8s, with skips by sum and by concatenation, on scenes of shapes.

Paper: Long et al. 2015. Claim: a classifier's convolutions give every pixel a class, the finer the earlier the layers
that are joined to the scores: mean intersection over union rises from 32s to 16s to 8s (five seeds: 72.4 ± 0.5, 80.3 ±
2.0 and 82.5 ± 1.6 % by sum; 77.1 ± 3.6 % for 8s by concatenation). The nets are small: three stages instead of five,
and so strides of 8, 4 and 2 where the names say 32, 16 and 8. Command: ``lectern run fcn`` (generated scenes, four nets
side by side, 2 to 4 minutes on two CPU cores). Expected figure: ``classes``, borders that are finer from row to row.
The paper's sizes: ``--preset paper_sizes``, on scenes of 224 pixels a side.
"""

from experiments.run.card import Card, Reference

VOC = "PASCAL VOC 2011 validation, from VGG-16 pre-trained on ImageNet. Ours: generated scenes, from scratch"


def _published(form: str, value: float) -> Reference:
    return Reference(
        f"{form}/mean_iou", value, "%", cite="long2015", where="table 2", read="memory", protocol=VOC,
        preset="paper_sizes",
        obstacle="the paper's net begins with weights learnt on ImageNet, and is measured on PASCAL VOC",
    )  # fmt: skip


CARD = Card(
    systems=("V9",),
    smoke=dict(scenes=8, held_out=4, side=16, objects=2, channels=(2, 2, 2), forms=("8s",), depth=1, batch_size=4),
    presets=dict(
        unlabelled=dict(unlabelled=0.5),
        full=dict(scenes=6000, steps=2000, evaluate_every=500, save_every=1000),
        paper_sizes=dict(
            side=224,
            objects=20,
            channels=(64, 128, 256, 512, 512),
            normalized=False,
            batch_size=8,
            steps=20_000,
            learning_rate=1e-4,
        ),
    ),
    references=(_published("32s", 59.4), _published("16s", 62.4), _published("8s", 62.7)),
)
