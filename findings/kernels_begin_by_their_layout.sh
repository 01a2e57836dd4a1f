#!/usr/bin/env bash
# One layer written two ways begins 16 times smaller, or 4 times larger: fans are counted from the layout of its kernel.
#
# Versions:   keras 3.15.1 and flax 0.12.8 on jax 0.10.2, torch 2.13.0, CPU.
# Setting:    He's normal weights, whose deviation is to be sqrt(2 / what an output sums over). Depthwise: 256
#             channels, 3x3. Transposed: 256 channels to 16, 3x3, stride 1, so that an output sums over 9 * 256
#             products.
# Usual guess: the initialiser knows the layer; a layer and its other spelling in the same library begin alike.
# Behaviour:  an initialiser is given a shape, and takes fixed axes of it for inputs and outputs. Keras'
#             DepthwiseConv2D has its 256 channels where inputs stand: 16 times too small, where its own Conv2D of 256
#             groups is right. Of a transposed convolution the axes are swapped in Keras, PyTorch, and in Flax with
#             transpose_kernel=True, the form that takes weights from the other two: 4 times too large for a layer that
#             narrows by 16. Flax's default form is right.
# Seen:       see EXPECTED
# Exits with 1 where that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  keras==3.15.1 flax==0.12.8 jax==0.10.2 jaxlib==0.10.2 torch==2.13.0 numpy==2.4.6

cat > "$folder/begin.py" <<'PYTHON'
import flax.linen as nn
import jax
import keras
import numpy as np
import torch

CHANNELS, FEATURES, WINDOW = 256, 16, 3
IMAGES = np.random.default_rng(0).normal(size=(2, 24, 24, CHANNELS)).astype(np.float32)
keras.utils.set_random_seed(0)
torch.manual_seed(0)


def of_keras(layer):
    outputs = np.asarray(layer(IMAGES))
    return layer.kernel, outputs


def of_flax(layer):
    outputs, variables = layer.init_with_output(jax.random.key(0), IMAGES)
    return variables["params"]["kernel"], np.asarray(outputs)


def of_torch(layer):
    torch.nn.init.kaiming_normal_(layer.weight)
    outputs = layer(torch.tensor(IMAGES.transpose(0, 3, 1, 2)))
    return layer.weight.detach(), outputs.detach().numpy().transpose(0, 2, 3, 1)


keras_he, flax_he = {"kernel_initializer": "he_normal"}, {"kernel_init": nn.initializers.he_normal()}
window = (WINDOW, WINDOW)
LAYERS = {
    ("depthwise", WINDOW**2): {
        "keras DepthwiseConv2D": of_keras(keras.layers.DepthwiseConv2D(window, depthwise_initializer="he_normal")),
        "keras Conv2D in groups": of_keras(keras.layers.Conv2D(CHANNELS, window, groups=CHANNELS, **keras_he)),
        "flax Conv in groups": of_flax(nn.Conv(CHANNELS, window, feature_group_count=CHANNELS, **flax_he)),
        "torch Conv2d in groups": of_torch(torch.nn.Conv2d(CHANNELS, CHANNELS, window, groups=CHANNELS, bias=False)),
    },
    ("transposed", WINDOW**2 * CHANNELS): {
        "keras Conv2DTranspose": of_keras(keras.layers.Conv2DTranspose(FEATURES, window, **keras_he)),
        "torch ConvTranspose2d": of_torch(torch.nn.ConvTranspose2d(CHANNELS, FEATURES, window, bias=False)),
        "flax transpose_kernel": of_flax(nn.ConvTranspose(FEATURES, window, transpose_kernel=True, **flax_he)),
        "flax ConvTranspose": of_flax(nn.ConvTranspose(FEATURES, window, **flax_he)),
    },
}
for (kind, summed), layers in LAYERS.items():
    print(f"{kind}: weights are to be of {(2 / summed) ** 0.5:.4f}, outputs of inputs of 1 then {2**0.5:.2f}")
    for name, (kernel, outputs) in layers.items():
        ratio = float(np.std(np.asarray(kernel))) / (2 / summed) ** 0.5
        inner = outputs[:, WINDOW:-WINDOW, WINDOW:-WINDOW].std()
        print(f"  {name} {tuple(kernel.shape)}: {ratio:.1g} of it, outputs {inner:.1f}")
PYTHON
KERAS_BACKEND=jax JAX_PLATFORMS=cpu "$folder/venv/bin/python" "$folder/begin.py" | tee "$folder/seen"
diff "$folder/seen" - <<'EXPECTED'
depthwise: weights are to be of 0.4714, outputs of inputs of 1 then 1.41
  keras DepthwiseConv2D (3, 3, 256, 1): 0.06 of it, outputs 0.1
  keras Conv2D in groups (3, 3, 1, 256): 1 of it, outputs 1.4
  flax Conv in groups (3, 3, 1, 256): 1 of it, outputs 1.4
  torch Conv2d in groups (256, 1, 3, 3): 1 of it, outputs 1.4
transposed: weights are to be of 0.0295, outputs of inputs of 1 then 1.41
  keras Conv2DTranspose (3, 3, 16, 256): 4 of it, outputs 5.6
  torch ConvTranspose2d (256, 16, 3, 3): 4 of it, outputs 5.7
  flax transpose_kernel (3, 3, 16, 256): 4 of it, outputs 5.7
  flax ConvTranspose (3, 3, 256, 16): 1 of it, outputs 1.4
EXPECTED
