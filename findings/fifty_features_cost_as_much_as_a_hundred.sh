#!/usr/bin/env bash
# On a CPU a product with 50 columns takes as long as one with 100, and longer than one with 64.
#
# Versions:   jax 0.10.2, jaxlib 0.10.2, numpy 2.4.6, CPU (x86-64).
# Usual guess: a product of fewer columns costs less; at worst the odd ones cost as much as the next full vector.
# Behaviour:  XLA's float32 product of [4000, 500] by [500, columns] works at about half of its speed where columns are
#             49 to 63, as in layers of 50 features; 20, 40 or 100 columns, no full vectors either, lose little.
# Seen:       two virtual cores of an Intel Xeon with AVX-512, ms: 48 columns 1.30, 50: 2.39, 60: 2.39, 64: 1.55,
#             80: 2.11, 100: 2.34; an hour in which everything was slower gave 1.57, 3.13, 2.98, 2.34, 2.66, 3.52.
# Exits with 1 where 50 columns are no longer slower than 64.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6

cat > "$folder/columns.py" <<'PYTHON'
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np

WIDTHS = (48, 50, 60, 64, 100)
rows = jnp.ones((4000, 500))
programs = {}
for width in WIDTHS:
    columns = jnp.ones((500, width))
    programs[width] = jax.jit(lambda x, w: x @ w).lower(rows, columns).compile(), columns

seconds = {width: [] for width in WIDTHS}
for _ in range(60):
    for width, (program, columns) in programs.items():
        started = time.perf_counter()
        program(rows, columns).block_until_ready()
        seconds[width].append(time.perf_counter() - started)

median = {width: float(np.median(each[10:])) for width, each in seconds.items()}
for width in WIDTHS:
    print(f"{width} columns: {1e3 * median[width]:.2f} ms", file=sys.stderr)
print("50 columns take longer than 64:", median[50] > median[64])
PYTHON
JAX_PLATFORMS=cpu "$folder/venv/bin/python" "$folder/columns.py" | tee "$folder/seen"
diff "$folder/seen" - <<'EXPECTED'
50 columns take longer than 64: True
EXPECTED
