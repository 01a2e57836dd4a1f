#!/usr/bin/env bash
# On a CPU, JAX's sum of logarithms over each grey picture takes many times as long where the pictures have their axis of
# one colour.
#
# Versions:   jax 0.10.2, CPU (x86-64).
# Setting:    Σ log(1 + x²) over each of 128 pictures, [128, 28, 28, 1] against the same numbers as [128, 28, 28] and
#             [128, 784].
# Usual guess: an axis of length 1 is free: the compiler drops it, as it does from elementwise programs.
# Behaviour:  XLA hands the sum together with what is summed to YNNPACK, and hands over the axis too. Along a last axis of
#             length 1 that takes many times as long for each number. Asking XLA not to use YNNPACK
#             (--xla_cpu_experimental_ynn_fusion_type=) makes the three alike; flattening inside of the function does not
#             help where the compiler can undo it, as it can for an argument.
# Seen:       see EXPECTED. On an Intel Xeon 2.8 ms against 0.09 ms; 0.27 against 0.15 without YNNPACK.
# Exits with 1 where that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6

cat > "$folder/sum.py" <<'PYTHON'
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_compilation_cache", False)
numbers = np.random.default_rng(0).normal(size=(128, 784)).astype(np.float32)
logs = jax.jit(jax.vmap(lambda picture: jnp.sum(jnp.log(picture**2 + 1))))
flattened = jax.jit(jax.vmap(lambda picture: jnp.sum(jnp.log(picture.ravel() ** 2 + 1))))
calls = {
    "28 × 28 × 1": (logs, jnp.asarray(numbers.reshape(128, 28, 28, 1))),
    "28 × 28 × 1, flattened inside": (flattened, jnp.asarray(numbers.reshape(128, 28, 28, 1))),
    "28 × 28": (logs, jnp.asarray(numbers.reshape(128, 28, 28))),
    "784": (logs, jnp.asarray(numbers)),
}
seconds = {name: [] for name in calls}
for _ in range(60):
    for name, (function, given) in calls.items():
        began = time.perf_counter()
        jax.block_until_ready(function(given))
        seconds[name].append(time.perf_counter() - began)
least = {name: min(each) for name, each in seconds.items()}
for name in calls:
    print(f"  {name}: {1000 * least[name]:.3f} ms", file=sys.stderr)
    print(f"  {name}:", "more than 5 times the row's time" if least[name] > 5 * least["784"] else "about the row's time")
PYTHON

for flags in "" "--xla_cpu_experimental_ynn_fusion_type="; do
  echo "flags: ${flags:-none}"
  XLA_FLAGS="$flags" JAX_PLATFORMS=cpu "$folder/venv/bin/python" "$folder/sum.py"
done | tee "$folder/seen"
diff "$folder/seen" - <<'EXPECTED'
flags: none
  28 × 28 × 1: more than 5 times the row's time
  28 × 28 × 1, flattened inside: more than 5 times the row's time
  28 × 28: about the row's time
  784: about the row's time
flags: --xla_cpu_experimental_ynn_fusion_type=
  28 × 28 × 1: about the row's time
  28 × 28 × 1, flattened inside: about the row's time
  28 × 28: about the row's time
  784: about the row's time
EXPECTED
