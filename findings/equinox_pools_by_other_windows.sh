#!/usr/bin/env bash
# Equinox' adaptive pooling has other windows than PyTorch's and Keras': a mirrored image is pooled otherwise.
#
# Versions:   equinox 0.13.8, jax 0.10.2, numpy 2.4.6, CPU. (torch 2.13.0 and Keras have those of "common".)
# Setting:    AdaptiveAvgPool2d of a ramp 0, 1, 2 ... and of noise, to sizes that do not divide the image's; next to the
#             means of the windows from floor(i n / m) to ceil((i + 1) n / m).
# Usual guess: a layer by the same name, for the weights of a network from PyTorch, has the same cells.
# Behaviour:  Equinox cuts the image into pieces without overlap, of which the first n mod m are one pixel longer. 10
#             pixels become 7 cells of 2, 2, 2, 1, 1, 1 and 1: the fourth has its centre at 6, not 4.5, the picture is
#             drawn towards one corner, and what was symmetric is not. Where m divides n all is as elsewhere.
# Seen:       see EXPECTED
# Exits with 1 where that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  equinox==0.13.8 jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6

cat > "$folder/pool.py" <<'PYTHON'
import equinox as eqx
import jax.numpy as jnp
import numpy as np

draw = np.random.default_rng(0)


def by_equinox(image, size):
    return np.asarray(eqx.nn.AdaptiveAvgPool2d(size)(jnp.asarray(image)[None]))[0]


def common(image, size):
    wide = len(image)
    ends = [slice(number * wide // size, -(-(number + 1) * wide // size)) for number in range(size)]
    return np.asarray([[image[rows, columns].mean() for columns in ends] for rows in ends])


for wide, size in ((5, 2), (10, 7), (14, 6), (13, 6), (12, 6)):
    ramp = np.tile(np.arange(wide, dtype=np.float32), (wide, 1))
    noise = draw.normal(size=(wide, wide)).astype(np.float32)
    print(f"{wide} to {size}")
    for pool in (common, by_equinox):
        pooled, mirrored = pool(noise, size), pool(noise[:, ::-1], size)[:, ::-1]
        kept = np.corrcoef(pooled.ravel(), mirrored.ravel())[0, 1]
        print(f"  {pool.__name__}: {pool(ramp, size)[0].round(1).tolist()}; of noise, with the mirrored: {kept:.2f}")
PYTHON
JAX_PLATFORMS=cpu "$folder/venv/bin/python" -W ignore "$folder/pool.py" | tee "$folder/seen"
diff "$folder/seen" - <<'EXPECTED'
5 to 2
  common: [1.0, 3.0]; of noise, with the mirrored: 1.00
  by_equinox: [1.0, 3.5]; of noise, with the mirrored: 0.91
10 to 7
  common: [0.5, 1.5, 3.0, 4.5, 6.0, 7.5, 8.5]; of noise, with the mirrored: 1.00
  by_equinox: [0.5, 2.5, 4.5, 6.0, 7.0, 8.0, 9.0]; of noise, with the mirrored: 0.14
14 to 6
  common: [1.0, 3.0, 5.0, 8.0, 10.0, 12.0]; of noise, with the mirrored: 1.00
  by_equinox: [1.0, 4.0, 6.5, 8.5, 10.5, 12.5]; of noise, with the mirrored: 0.71
13 to 6
  common: [1.0, 3.0, 5.0, 7.0, 9.0, 11.0]; of noise, with the mirrored: 1.00
  by_equinox: [1.0, 3.5, 5.5, 7.5, 9.5, 11.5]; of noise, with the mirrored: 0.50
12 to 6
  common: [0.5, 2.5, 4.5, 6.5, 8.5, 10.5]; of noise, with the mirrored: 1.00
  by_equinox: [0.5, 2.5, 4.5, 6.5, 8.5, 10.5]; of noise, with the mirrored: 1.00
EXPECTED
