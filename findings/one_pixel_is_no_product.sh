#!/usr/bin/env bash
# On a CPU a convolution by windows of one pixel takes two to four times as long as the matrix product that it is.
#
# Versions:   jax 0.10.2, CPU (x86-64).
# Setting:    64 images of 28×28 pixels and 256 channels, float32, to 64 features: lax.conv_general_dilated with a 1×1
#             kernel, and the same numbers as a product of [50176, 256] and [256, 64]. Best of 15 calls each, in turn.
# Usual guess: a compiler that rewrites products and convolutions sees that a 1×1 convolution is a product, so that it
#             does not matter how one writes it (nn.Conv with a 1×1 kernel, or nn.Dense over the last axis).
# Behaviour:  the compiled program still holds a convolution, which goes to other code than a product does.
# Seen:       see EXPECTED; the ratio was 3.6 on two cores of an Intel Xeon, and 1.5 or more is asked for here.
# Exits with 1 where that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6

cat > "$folder/compare.py" <<'PYTHON'
import sys
import time

import jax
import numpy as np

generator = np.random.default_rng(0)
images = jax.device_put(generator.normal(size=(64, 28, 28, 256)).astype(np.float32))
kernel = jax.device_put(generator.normal(size=(1, 1, 256, 64)).astype(np.float32) / 16)


@jax.jit
def convolved(images, kernel):
    layout = ("NHWC", "HWIO", "NHWC")
    return jax.lax.conv_general_dilated(images, kernel, (1, 1), "VALID", dimension_numbers=layout)


@jax.jit
def multiplied(images, kernel):
    return (images.reshape(-1, 256) @ kernel[0, 0]).reshape(64, 28, 28, 64)


def seconds(function):
    started = time.perf_counter()
    function(images, kernel).block_until_ready()
    return time.perf_counter() - started


one, other = convolved(images, kernel), multiplied(images, kernel)
print("same numbers:", np.allclose(one, other, atol=1e-4))
print("the convolution is compiled as one:", " convolution(" in convolved.lower(images, kernel).compile().as_text())
times = np.array([[seconds(convolved), seconds(multiplied)] for _ in range(15)]).min(axis=0)
print("it takes half as long again, or more:", bool(times[0] > 1.5 * times[1]))
print(f"ratio {times[0] / times[1]:.1f}", file=sys.stderr)
PYTHON
JAX_PLATFORMS=cpu "$folder/venv/bin/python" "$folder/compare.py" | tee "$folder/seen"
diff "$folder/seen" - <<'EXPECTED'
same numbers: True
the convolution is compiled as one: True
it takes half as long again, or more: True
EXPECTED
