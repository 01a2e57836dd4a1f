#!/usr/bin/env bash
# Who writes (gᵀ x)ᵀ so that the small side comes first gets xᵀ g, the large side first, which can take over twice as
# long.
#
# Versions:   jax 0.10.2, jaxlib 0.10.2, numpy 2.4.6, CPU (x86-64).
# Usual guess: the transpose of a small result costs next to nothing, and the product is computed in the order that was
#             written; or else that both orders take the same time, as they do the same multiplications.
# Behaviour:  XLA takes the transpose away by exchanging the operands. A product over many rows with 24 columns
#             on one side and 192 on the other is faster with the 24 first. `jax.lax.optimization_barrier` between the
#             product and the transpose keeps the order.
# Seen:       19,200 rows, two virtual cores of an Intel Xeon with AVX-512: written g first 24x192 is compiled as
#             192x24 and takes 5.5 ms; behind a barrier it stays 24x192 and takes 2.0 ms.
# Exits with 1 where the compiled shapes change; the times are printed, not checked.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6

cat > "$folder/product.py" <<'PYTHON'
import re
import sys
import time

import jax
import jax.numpy as jnp

small, large = jnp.ones((19200, 24)), jnp.ones((19200, 192))
orders = {
    "turned": lambda g, x: (g.T @ x).T,
    "behind a barrier": lambda g, x: jax.lax.optimization_barrier(g.T @ x).T,
}
programs = {name: jax.jit(order).lower(small, large).compile() for name, order in orders.items()}
for name, program in programs.items():
    print(f"{name}: {re.search(r'f32.([0-9]+,[0-9]+)..[^=]* dot[(]', program.as_text())[1]}")

seconds = {name: [] for name in programs}
for _ in range(40):
    for name, program in programs.items():
        started = time.perf_counter()
        program(small, large).block_until_ready()
        seconds[name].append(time.perf_counter() - started)
for name, each in seconds.items():
    print(f"{name}: {1e3 * sorted(each)[20]:.2f} ms", file=sys.stderr)
PYTHON
JAX_PLATFORMS=cpu "$folder/venv/bin/python" "$folder/product.py" | tee "$folder/seen"
diff "$folder/seen" - <<'EXPECTED'
turned: 192,24
behind a barrier: 24,192
EXPECTED
