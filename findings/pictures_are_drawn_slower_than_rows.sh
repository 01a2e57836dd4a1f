#!/usr/bin/env bash
# On a CPU, pictures of three colours drawn by one key each take twice the time of rows of as many numbers, and the same
# bits.
#
# Versions:   jax 0.10.2, CPU (x86-64), Threefry.
# Setting:    standard normal numbers by 128 keys under vmap: of shape (32, 32, 3), and of shape (3072,) shaped afterwards.
# Usual guess: a shape costs nothing: the generator counts, and the compiled loop runs over all numbers whatever axes they
#             have. So noise is drawn with the shape of what it is added to.
# Behaviour:  each round of the generator is a loop nest with an axis of the picture a loop. The innermost has three
#             numbers, so that vectors are hardly filled; short loops are unrolled, and compiling takes several times as long.
# Seen:       see EXPECTED. On an Intel Xeon 5.9 against 2.5 ms a draw, 1.15 against 0.24 s of compiling.
# Exits with 1 where that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6

cat > "$folder/draw.py" <<'PYTHON'
import sys
import time

import jax
import numpy as np

jax.config.update("jax_enable_compilation_cache", False)
keys = jax.random.split(jax.random.key(0), 128)
ways = {
    "pictures": lambda key: jax.random.normal(key, (32, 32, 3)),
    "rows": lambda key: jax.random.normal(key, (3072,)).reshape(32, 32, 3),
}
programs, compiling = {}, {}
for name, way in ways.items():
    lowered = jax.jit(jax.vmap(way)).lower(keys)
    began = time.perf_counter()
    programs[name] = lowered.compile()
    compiling[name] = time.perf_counter() - began
drawing = {name: [] for name in ways}
for _ in range(40):
    for name, program in programs.items():
        began = time.perf_counter()
        jax.block_until_ready(program(keys))
        drawing[name].append(time.perf_counter() - began)
least = {name: min(seconds) for name, seconds in drawing.items()}
same = np.array_equal(*(np.asarray(program(keys)) for program in programs.values()))
print("the same bits:", same)
print("pictures take at least 1.4 times as long to draw:", least["pictures"] > 1.4 * least["rows"])
print("and at least twice as long to compile:", compiling["pictures"] > 2 * compiling["rows"])
for name in ways:
    print(f"{name}: {1000 * least[name]:.2f} ms, compiled in {compiling[name]:.2f} s", file=sys.stderr)
PYTHON

JAX_PLATFORMS=cpu "$folder/venv/bin/python" "$folder/draw.py" | tee "$folder/seen"
diff "$folder/seen" - <<'EXPECTED'
the same bits: True
pictures take at least 1.4 times as long to draw: True
and at least twice as long to compile: True
EXPECTED
