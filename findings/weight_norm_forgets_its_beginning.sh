#!/usr/bin/env bash
# Weights that PyTorch normalises cannot be given a beginning: what is written to them is gone at the next forward pass.
#
# Versions:   torch 2.13.0 (CPU), numpy 2.4.6.
# Setting:    a convolution of 24 channels and a window of 8 under weight normalisation, in both forms that PyTorch has,
#             whose weights are then drawn from N(0, 0.01²), as the public code of Bai et al. 2018 (temporal convolutional
#             networks) does for each of its layers, and as one does by torch.nn.init.
# Usual guess: the network begins at N(0, 0.01²), and a replication must begin there too.
# Behaviour:  `weight` is a product of `weight_g` and `weight_v`, made anew in every forward pass. In the older form it
#             reads as it was drawn, with a deviation of 0.010, until the first pass; in the newer one never. Either
#             way the layer computes with PyTorch's own beginning, uniform with a deviation of 1/sqrt(3 * 24 * 8) = 0.0417,
#             four times as large, and no warning says so. A temporal convolutional network that begins at 0.01 elsewhere
#             is not that of the paper's code; its layer of window 1 beside the others, not normalised, does begin there.
# Seen:       see EXPECTED
# Exits with 1 where that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6

cat > "$folder/begin.py" <<'PYTHON'
import torch
from torch import nn
from torch.nn.utils import parametrizations, weight_norm


def by_data(weight):
    weight.data.normal_(0, 0.01)


def by_init(weight):
    nn.init.normal_(weight, std=0.01)


def deviation(weight):
    return f"{float(weight.detach().std()):.3f}"


forms = {"no normalisation": lambda layer: layer, "weight_norm": weight_norm}
for form, wrap in (forms | {"parametrizations.weight_norm": parametrizations.weight_norm}).items():
    for way, draw in {"weight.data": by_data, "nn.init": by_init}.items():
        torch.manual_seed(0)
        layer = wrap(nn.Conv1d(24, 24, 8))
        made = deviation(layer.weight)
        draw(layer.weight)
        drawn = deviation(layer.weight)
        layer(torch.zeros(1, 24, 8))
        print(f"{form}, {way}: made {made}, drawn {drawn}, used {deviation(layer.weight)}")
PYTHON
"$folder/venv/bin/python" -W ignore "$folder/begin.py" | tee "$folder/seen"
diff "$folder/seen" - <<'EXPECTED'
no normalisation, weight.data: made 0.041, drawn 0.010, used 0.010
no normalisation, nn.init: made 0.041, drawn 0.010, used 0.010
weight_norm, weight.data: made 0.041, drawn 0.010, used 0.041
weight_norm, nn.init: made 0.041, drawn 0.010, used 0.041
parametrizations.weight_norm, weight.data: made 0.041, drawn 0.041, used 0.041
parametrizations.weight_norm, nn.init: made 0.041, drawn 0.041, used 0.041
EXPECTED
