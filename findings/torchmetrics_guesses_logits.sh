#!/usr/bin/env bash
# torchmetrics' ranking metrics depend on how logits came in batches, and fall to chance where logits are large.
#
# Versions:   torchmetrics 1.9.0, torch 2.13.0 (CPU), scikit-learn 1.9.1, numpy 2.4.6.
# Setting:    2,000 logits, Gaussian about 0 or 1 by label; given to BinaryAUROC and BinaryAveragePrecision at once and
#             in batches. Then the same ones times 3, plus 25, as of a network that is far from calibrated.
# Usual guess: both metrics are functions of the order of all scores: neither batches, nor what keeps the order,
#             matter. The reference speaks of a sigmoid "per element" for scores outside of [0, 1], which keeps the
#             order.
# Behaviour:  whether there is a sigmoid is decided for each batch, by whether all its scores lie in [0, 1]. So batches
#             are ranked together on two scales: batches of 1 cost 3 points of AUC. The sigmoid is of float32 and is 1
#             from 18 on: the scores become ties, and an AUC of 76.6 % is 50.2 %. Scores given as ranks in [0, 1] end
#             both; scikit-learn has the same figure for all of them.
# Seen:       see EXPECTED
# Exits with 1 where that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  torchmetrics==1.9.0 torch==2.13.0 scikit-learn==1.9.1 numpy==2.4.6

cat > "$folder/rank.py" <<'PYTHON'
import numpy as np
import torch
from sklearn.metrics import average_precision_score, roc_auc_score
from torchmetrics.classification import BinaryAUROC, BinaryAveragePrecision

COUNT = 2000
draw = np.random.default_rng(0)
labels = draw.integers(0, 2, COUNT)
logits = (labels + draw.normal(size=COUNT)).astype(np.float32)


def in_batches(scores, size):
    metrics = BinaryAUROC(), BinaryAveragePrecision()
    for start in range(0, COUNT, size):
        for metric in metrics:
            metric.update(*(torch.tensor(each[start : start + size]) for each in (scores, labels)))
    return [float(metric.compute()) for metric in metrics]


def by_sklearn(scores):
    return [float(metric(labels, scores)) for metric in (roc_auc_score, average_precision_score)]


def show(name, found):
    print(f"{name}: AUC {100 * found[0]:.1f} %, average precision {100 * found[1]:.1f} %")


show("scikit-learn", by_sklearn(logits))
for size in (COUNT, 16, 4, 2, 1):
    show(f"torchmetrics, batches of {size}", in_batches(logits, size))
large = 3 * logits + 25
show("large, scikit-learn", by_sklearn(large))
show("large, torchmetrics", in_batches(large, COUNT))
ranks = (large.argsort().argsort() / COUNT).astype(np.float32)
show("large, their ranks, batches of 1", in_batches(ranks, 1))
PYTHON
"$folder/venv/bin/python" -W ignore "$folder/rank.py" | tee "$folder/seen"
diff "$folder/seen" - <<'EXPECTED'
scikit-learn: AUC 76.6 %, average precision 77.9 %
torchmetrics, batches of 2000: AUC 76.6 %, average precision 77.9 %
torchmetrics, batches of 16: AUC 76.6 %, average precision 77.9 %
torchmetrics, batches of 4: AUC 76.3 %, average precision 77.4 %
torchmetrics, batches of 2: AUC 75.2 %, average precision 75.8 %
torchmetrics, batches of 1: AUC 73.5 %, average precision 74.6 %
large, scikit-learn: AUC 76.6 %, average precision 77.9 %
large, torchmetrics: AUC 50.2 %, average precision 52.3 %
large, their ranks, batches of 1: AUC 76.6 %, average precision 77.9 %
EXPECTED
