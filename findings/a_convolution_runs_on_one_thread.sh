#!/usr/bin/env bash
# On a CPU of several cores JAX computes ordinary float32 convolutions on one of them, unless their result is summed.
#
# Versions:   jax 0.10.2, jaxlib 0.10.2, numpy 2.4.6, CPU (x86-64), two cores or more.
# Setting:    a 3×3 convolution, 32 → 16, over 16 pictures of 64×64 (NHWC by HWIO): processor time over wall time, and
#             the wall time itself.
# Usual guess: one call of a large convolution uses all cores, as a product of matrices does; and a benchmark may end with
#             a sum, so that little is read: a sum only adds to the time.
# Behaviour:  XLA hands the convolution to YNNPACK, which cuts no picture that is not wide: it runs on one thread. With a
#             sum over the features behind it both are one program there, which is cut: less time with the sum than
#             without. The same pixels as one picture of 64×1024, the images side by side, use all cores, too.
#             jaxlib 0.12.0.1 (Python 3.12 or newer) uses all cores in either case: 4.8 ms, 5.0 with the sum.
# Seen:       see EXPECTED. Two virtual cores of an AMD EPYC: 8.5 ms, 5.0 with the sum, 5.0 side by side; PyTorch 4.9.
# Exits with 1 where that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6

cat > "$folder/threads.py" <<'PYTHON'
import os
import sys
import time

import jax
import jax.numpy as jnp
from jax import lax

if len(os.sched_getaffinity(0)) < 2:
    sys.exit("this finding needs two cores")
jax.config.update("jax_enable_compilation_cache", False)


def convolution(images, kernel):
    return lax.conv_general_dilated(
        images, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


images, kernel = jnp.ones((16, 64, 64, 32)), jnp.ones((3, 3, 32, 16))
calls = {
    "16 pictures of 64×64": (jax.jit(convolution), images),
    "and a sum over the features": (jax.jit(lambda *given: convolution(*given).sum(-1)), images),
    "one picture of 64×1024": (jax.jit(convolution), images.reshape(1, 64, 1024, 32)),
    "a product of matrices": (jax.jit(jnp.matmul), jnp.ones((1024, 1024))),
}
for name, (function, given) in calls.items():
    other = kernel if given.ndim == 4 else given
    jax.block_until_ready(function(given, other))
    used, least = 0.0, float("inf")
    for _ in range(40):
        began, processor = time.perf_counter(), time.process_time()
        jax.block_until_ready(function(given, other))
        wall = time.perf_counter() - began
        least, used = min(least, wall), max(used, (time.process_time() - processor) / wall)
    print(f"  {name}: {1000 * least:.1f} ms, {used:.2f} threads", file=sys.stderr)
    print(f"{name}: {'one thread' if used < 1.3 else 'more than one thread'}")
PYTHON

JAX_PLATFORMS=cpu "$folder/venv/bin/python" "$folder/threads.py" | tee "$folder/seen"
diff "$folder/seen" - <<'EXPECTED'
16 pictures of 64×64: one thread
and a sum over the features: more than one thread
one picture of 64×1024: more than one thread
a product of matrices: more than one thread
EXPECTED
