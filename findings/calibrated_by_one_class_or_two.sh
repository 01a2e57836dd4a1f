#!/usr/bin/env bash
# The calibration error of one classifier is 15 % as a binary task and 3 % as one of two classes, in the same library.
#
# Versions:   torchmetrics 1.9.0, torch 2.13.0 (CPU), numpy 2.4.6.
# Setting:    100,000 examples with logits of deviation 2 about 0, given to BinaryCalibrationError as p, and to
#             MulticlassCalibrationError as [1 - p, p], both with 15 bins. The classifier is calibrated; is too sure by
#             a factor 2; or was trained where class 1 came more often: its logits are too high by a constant.
# Usual guess: the two are one measure of the same predictions, as the accuracies are.
# Behaviour:  the binary error compares p with how often class 1 came; that of classes compares the confidence in the
#             *said* class with how often it was right. Where p is too high throughout, the classifier is too sure of
#             class 1 and not sure enough of class 0; both have the same confidence, fall into one bin and cancel. A
#             figure from a paper (Guo et al. 2017 have the second) is not to be compared with the first, and an ECE
#             of 1 % does not say that p may be used.
# Seen:       see EXPECTED
# Exits with 1 where that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  torchmetrics==1.9.0 torch==2.13.0 numpy==2.4.6

cat > "$folder/calibrate.py" <<'PYTHON'
import numpy as np
import torch
from torchmetrics.classification import BinaryCalibrationError, MulticlassCalibrationError

COUNT, BINS = 100_000, 15
draw = np.random.default_rng(0)


def sigmoid(logits):
    return 1 / (1 + np.exp(-logits))


def shown(name, said, true):
    labels = torch.tensor(draw.random(COUNT) < sigmoid(true)).long()
    one = torch.tensor(sigmoid(said), dtype=torch.float32)
    both = torch.stack([1 - one, one], dim=1)
    binary, classes = BinaryCalibrationError(BINS)(one, labels), MulticlassCalibrationError(2, BINS)(both, labels)
    mean = f"says {100 * float(one.mean()):.0f} % of class 1, {100 * float(labels.float().mean()):.0f} % there are"
    print(f"{name}: binary {100 * float(binary):.1f} %, two classes {100 * float(classes):.1f} %; {mean}")


logits = 2 * draw.normal(size=COUNT)
shown("calibrated", logits, logits)
shown("too sure", logits, logits / 2)
for shift in (0.5, 1, 2):
    shown(f"logits {shift} too high", logits, logits - shift)
PYTHON
"$folder/venv/bin/python" -W ignore "$folder/calibrate.py" | tee "$folder/seen"
diff "$folder/seen" - <<'EXPECTED'
calibrated: binary 0.4 %, two classes 0.4 %; says 50 % of class 1, 50 % there are
too sure: binary 10.0 %, two classes 10.1 %; says 50 % of class 1, 50 % there are
logits 0.5 too high: binary 7.7 %, two classes 0.8 %; says 50 % of class 1, 42 % there are
logits 1 too high: binary 14.8 %, two classes 2.9 %; says 50 % of class 1, 35 % there are
logits 2 too high: binary 27.5 %, two classes 9.4 %; says 50 % of class 1, 22 % there are
EXPECTED
