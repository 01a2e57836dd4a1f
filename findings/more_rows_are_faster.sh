#!/usr/bin/env bash
# On a CPU a float32 convolution can become several times faster when it is asked for more rows, which are then cut off.
#
# Versions:   jax 0.10.2, jaxlib 0.10.2, numpy 2.4.6, CPU (x86-64).
# Usual guess: a convolution costs what it computes, so padding that only makes further rows can but cost more.
# Behaviour:  XLA hands 2-d float32 convolutions of more than 16 channels or features to another library (a fusion
#             "__ynn_fusion" in the compiled program), except where the result is higher or wider than the images. The
#             convolution that it keeps for itself is faster on the machines where this was timed, by 1.3 to 5 times.
# Seen:       a 5x5 window over 500 images of 12x12x20, 50 features: 8 rows handed over, 13 rows not.
#             Two virtual cores of an Intel Xeon with AVX-512: 8 rows took 89 ms, 13 rows of which 5 are cut off 20 ms.
# Exits with 1 where the choice changes; the times are printed, not checked.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6

cat > "$folder/rows.py" <<'PYTHON'
import sys
import time

import jax
import jax.numpy as jnp

images, kernel = jnp.ones((500, 12, 12, 20)), jnp.ones((5, 5, 20, 50))
for added in (0, 5):

    def convolution(x, w):
        out = jax.lax.conv_general_dilated(
            x, w, (1, 1), ((0, added), (0, 0)), dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
        return out[:, :8]

    program = jax.jit(convolution).lower(images, kernel).compile()
    handed_over = "__ynn_fusion" in program.as_text()
    program(images, kernel).block_until_ready()
    seconds = []
    for _ in range(7):
        started = time.perf_counter()
        program(images, kernel).block_until_ready()
        seconds.append(time.perf_counter() - started)
    print(f"{8 + added} rows: {'handed over' if handed_over else 'kept'}")
    print(f"{8 + added} rows: {1000 * sorted(seconds)[3]:.0f} ms", file=sys.stderr)
PYTHON
JAX_PLATFORMS=cpu "$folder/venv/bin/python" "$folder/rows.py" | tee "$folder/seen"
diff "$folder/seen" - <<'EXPECTED'
8 rows: handed over
13 rows: kept
EXPECTED
