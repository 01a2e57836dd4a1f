#!/usr/bin/env bash
# On JAX, Keras' adaptive pooling to 7 cells gives NaN in the last one: of 7, 14, 21 ... pixels, the sizes of VGG.
#
# Versions:   keras 3.15.1 on numpy 2.4.6 and on jax 0.10.2 (CPU, x86-64).
# Setting:    AdaptiveAveragePooling1D of 0, 1, 2 ..., of up to 16 pixels to 5 cells or more, against the means of the
#             windows that begin at floor(i n / m) and end at ceil((i + 1) n / m), as the layer and PyTorch's have
#             them; and a classifier of 56 x 56 pixels with AdaptiveAveragePooling2D(7) behind 7 x 7 cells, which is to
#             change nothing.
# Usual guess: a layer has the same outputs on any backend, and pooling of finite numbers is finite.
# Behaviour:  on JAX the windows' ends are counted in float32 by a division that is not exact there (21 / 7 is more
#             than 3), so a window is taken for one pixel longer: it is the next one's mean, and the last, which ends
#             outside, is NaN. 7, 13, 14 and 15 cells are hit, of widths in which a window ends at such a multiple: the
#             pooling of 7 pixels to 7 is 0, 1, 2.5, 3, 4, 5.5, NaN. The maximum has the same windows. On NumPy
#             (and PyTorch) all are right.
# Seen:       see EXPECTED
# Exits with 1 where that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  keras==3.15.1 jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6

cat > "$folder/pool.py" <<'PYTHON'
import keras
import numpy as np

LEAST, MOST, SIDE = 5, 16, 56


def pooled(wide, size):
    ramp = np.arange(wide, dtype=np.float32)[None, :, None]
    return keras.ops.convert_to_numpy(keras.layers.AdaptiveAveragePooling1D(size)(ramp))[0, :, 0]


def means_of_windows(wide, size):
    ends = [(number * wide // size, -(-(number + 1) * wide // size)) for number in range(size)]
    return [np.mean(range(*each)) for each in ends]


print(keras.backend.backend())
for wide, size in ((7, 7), (10, 7), (14, 7)):
    print(f"  {wide} pixels to {size}: {[round(float(each), 1) for each in pooled(wide, size)]}")
cases = [(wide, size) for wide in range(1, MOST + 1) for size in range(LEAST, wide + 1)]
wrong = [case for case in cases if not np.allclose(pooled(*case), means_of_windows(*case), atol=1e-4)]
print(f"  wrong: {len(wrong)} of {len(cases)}")
for hit in sorted({size for _, size in wrong}):
    print(f"    to {hit} cells: of {[wide for wide, size in wrong if size == hit]} pixels")
keras.utils.set_random_seed(0)
model = keras.Sequential(
    [
        keras.Input((SIDE, SIDE, 3)),
        keras.layers.Conv2D(8, 8, strides=8, activation="relu"),
        keras.layers.AdaptiveAveragePooling2D(7),
        keras.layers.Flatten(),
        keras.layers.Dense(10),
    ]
)
scores = model.predict(np.random.default_rng(0).normal(size=(4, SIDE, SIDE, 3)), verbose=0)
print(f"  classifier: {100 * np.isnan(scores).mean():.0f} % of the scores are NaN")
PYTHON
for backend in numpy jax; do
  KERAS_BACKEND=$backend JAX_PLATFORMS=cpu "$folder/venv/bin/python" "$folder/pool.py" | tee -a "$folder/seen"
done
diff "$folder/seen" - <<'EXPECTED'
numpy
  7 pixels to 7: [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
  10 pixels to 7: [0.5, 1.5, 3.0, 4.5, 6.0, 7.5, 8.5]
  14 pixels to 7: [0.5, 2.5, 4.5, 6.5, 8.5, 10.5, 12.5]
  wrong: 0 of 78
  classifier: 0 % of the scores are NaN
jax
  7 pixels to 7: [0.0, 1.0, 2.5, 3.0, 4.0, 5.5, nan]
  10 pixels to 7: [0.5, 1.5, 3.0, 4.5, 6.0, 7.5, 8.5]
  14 pixels to 7: [0.5, 2.5, 5.0, 6.5, 8.5, 11.0, nan]
  wrong: 12 of 78
    to 7 cells: of [7, 11, 12, 13, 14, 15] pixels
    to 13 cells: of [13, 14, 15] pixels
    to 14 cells: of [14, 15] pixels
    to 15 cells: of [15] pixels
  classifier: 100 % of the scores are NaN
EXPECTED
