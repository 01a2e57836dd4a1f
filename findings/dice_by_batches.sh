#!/usr/bin/env bash
# torchmetrics' generalised Dice score depends on the batches: 83 % image by image is 56 % when all images come at once.
#
# Versions:   torchmetrics 1.9.0, torch 2.13.0 (CPU), scikit-learn 1.9.1, numpy 2.4.6.
# Setting:    64 images of 48 x 48 pixels with two discs of five classes and a background; as predictions the discs
#             moved by one pixel, and one small disc where none is. 2.8 % of the pixels are wrong. The same predictions
#             are given to GeneralizedDiceScore in batches, with its defaults, as to MeanIoU and DiceScore.
# Usual guess: a metric that is updated batch by batch is the one of all examples: the size of batches, or their order,
#             is a matter of memory.
# Behaviour:  a class is weighed by one over its squared area in an image. Where it is not in the image that is
#             infinite, and the greatest weight of the class *in the batch* takes its place. So what is wrongly seen in
#             one image counts by how small the class is in others: the more come together, the lower is the score. An
#             image alone has a weight of 0 there, and the wrong disc costs nothing. The other two do not depend on
#             batches, but are means over images, of classes that are in an image or were seen there; the mean IoU of
#             a data set, as in the papers, is 15 points higher here: MulticlassJaccardIndex, scikit-learn.
# Seen:       see EXPECTED
# Exits with 1 where that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  torchmetrics==1.9.0 torch==2.13.0 scikit-learn==1.9.1 numpy==2.4.6

cat > "$folder/score.py" <<'PYTHON'
import numpy as np
import torch
from sklearn.metrics import jaccard_score
from torchmetrics.classification import MulticlassJaccardIndex
from torchmetrics.segmentation import DiceScore, GeneralizedDiceScore, MeanIoU

IMAGES, CLASSES, SIDE = 64, 6, 48
draw = np.random.default_rng(0)
rows, columns = np.mgrid[:SIDE, :SIDE]


def with_disc(image, radius, kind, row, column):
    return np.where((rows - row) ** 2 + (columns - column) ** 2 <= radius**2, kind, image)


labels, predictions = np.zeros((2, IMAGES, SIDE, SIDE), int)
for image in range(IMAGES):
    for radius in draw.integers(3, 11, 2):
        kind, row, column = draw.integers(1, CLASSES), *draw.integers(8, SIDE - 8, 2)
        labels[image] = with_disc(labels[image], radius, kind, row, column)
        predictions[image] = with_disc(predictions[image], radius, kind, row + 1, column)
    wrong = draw.integers(1, CLASSES), *draw.integers(8, SIDE - 8, 2)
    predictions[image] = with_disc(predictions[image], 2, *wrong)


def in_batches(metric, size, order):
    for start in range(0, IMAGES, size):
        chosen = order[start : start + size]
        metric.update(torch.tensor(predictions[chosen]), torch.tensor(labels[chosen]))
    return f"{100 * float(metric.compute()):.1f} %"


given = {"num_classes": CLASSES, "input_format": "index"}
listed, shuffled = np.arange(IMAGES), draw.permutation(IMAGES)
print(f"{100 * (predictions != labels).mean():.1f} % of the pixels are wrong")
for size, order in ((1, listed), (4, listed), (4, shuffled), (16, listed), (IMAGES, listed)):
    name = "batches of" if order is listed else "another order, batches of"
    dice = in_batches(GeneralizedDiceScore(**given), size, order)
    others = [in_batches(metric(**given), size, order) for metric in (MeanIoU, DiceScore)]
    print(f"{name} {size}: generalised Dice {dice}; mean IoU, Dice {others}")
whole = in_batches(MulticlassJaccardIndex(CLASSES), IMAGES, listed)
by_sklearn = jaccard_score(labels.ravel(), predictions.ravel(), average="macro")
print(f"mean IoU of all pixels: Jaccard {whole}, scikit-learn {100 * by_sklearn:.1f} %")
PYTHON
"$folder/venv/bin/python" -W ignore "$folder/score.py" | tee "$folder/seen"
diff "$folder/seen" - <<'EXPECTED'
2.8 % of the pixels are wrong
batches of 1: generalised Dice 82.7 %; mean IoU, Dice ['67.1 %', '73.4 %']
batches of 4: generalised Dice 78.1 %; mean IoU, Dice ['67.1 %', '73.4 %']
another order, batches of 4: generalised Dice 76.4 %; mean IoU, Dice ['67.1 %', '73.4 %']
batches of 16: generalised Dice 65.8 %; mean IoU, Dice ['67.1 %', '73.4 %']
batches of 64: generalised Dice 56.0 %; mean IoU, Dice ['67.1 %', '73.4 %']
mean IoU of all pixels: Jaccard 82.4 %, scikit-learn 82.4 %
EXPECTED
