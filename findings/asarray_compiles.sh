#!/usr/bin/env bash
# jnp.asarray of a NumPy array compiles a program for every new shape; jax.device_put of the same array compiles none.
#
# Versions:   jax 0.10.2, jaxlib 0.10.2, numpy 2.4.6, CPU (0.12.0 behaves the same).
# Usual guess: outside of jit, jnp.asarray(array) only moves the array to the device, as device_put does.
# Behaviour:  it runs `stage`, an operation that is compiled for each shape and type: 10 new shapes, 10 programs, some
#             20 ms each. It adds up where a tree of parameters is moved leaf by leaf.
# Seen:       device_put: 0 programs
#             asarray: 10 programs
# Exits with 1 where that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6

cat > "$folder/count.py" <<'PYTHON'
import jax
import jax.monitoring
import jax.numpy as jnp
import numpy as np

compiled = []
jax.monitoring.register_event_duration_secs_listener(
    lambda event, seconds, **_: compiled.append(seconds) if "backend_compile" in event else None
)
for name, move in (("device_put", jax.device_put), ("asarray", jnp.asarray)):
    compiled.clear()
    for length in range(10):
        move(np.zeros((length + 1, 7), np.float32))
    print(f"{name}: {len(compiled)} programs")
PYTHON
JAX_PLATFORMS=cpu "$folder/venv/bin/python" "$folder/count.py" | tee "$folder/seen"
diff "$folder/seen" - <<'EXPECTED'
device_put: 0 programs
asarray: 10 programs
EXPECTED
