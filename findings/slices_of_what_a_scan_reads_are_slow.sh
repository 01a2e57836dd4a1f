#!/usr/bin/env bash
# On a CPU, the gates of an LSTM take three times as long in JAX where they are functions of slices of what a scan reads
# than where they are slices of one function of it, or where each place reads the same numbers.
#
# Versions:   jax 0.10.2, CPU (x86-64).
# Setting:    a scan over 100 places, batch 256, 32 units; x_t + h U is [256, 128]. (1) σ, σ, tanh and σ of its four
#             slices; (2) four slices of one σ, as tanh(x) = 2σ(2x) − 1; (3) as (1), but x_t is the same array at every
#             place, so that the scan reads nothing.
# Usual guess: slices cost nothing inside of a fused loop, so that as many σ take as long in (1) as in (2), and reading
#             x_t takes what copying it takes.
# Behaviour:  XLA fuses the reading of a place, the slices and the functions of several gates into one loop, whose code is
#             several times slower than that of the same functions in (2) or (3). jax.lax.optimization_barrier after the
#             sum or after the gates changes nothing.
# Seen:       see EXPECTED. On an Intel Xeon with AVX-512, milliseconds of processor time: 15, 6.5 and 5.
# Exits with 1 where that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6

cat > "$folder/gates.py" <<'PYTHON'
import sys
import time

import jax
import jax.numpy as jnp

jax.config.update("jax_enable_compilation_cache", False)
PLACES, BATCH, UNITS = 100, 256, 32
recurrent = 0.08 * jax.random.normal(jax.random.key(0), (UNITS, 4 * UNITS))
inputs = jax.random.normal(jax.random.key(1), (PLACES, BATCH, 4 * UNITS))
start = (jnp.zeros((BATCH, UNITS)), jnp.zeros((BATCH, UNITS)))


def functions_of_slices(z):
    i, f, g, o = jnp.split(z, 4, axis=-1)
    return jax.nn.sigmoid(i), jax.nn.sigmoid(f), jnp.tanh(g), jax.nn.sigmoid(o)


def slices_of_a_function(z):
    doubled = jnp.repeat(jnp.array([1.0, 1.0, 2.0, 1.0]), UNITS)
    i, f, g, o = jnp.split(jax.nn.sigmoid(doubled * z), 4, axis=-1)
    return i, f, 2 * g - 1, o


def after(squash, state, now):
    hidden, memory = state
    i, f, g, o = squash(now + hidden @ recurrent)
    memory = f * memory + i * g
    hidden = o * jnp.tanh(memory)
    return (hidden, memory), hidden


def scanned(squash):
    return jax.jit(lambda xs: jax.lax.scan(lambda *given: after(squash, *given), start, xs)[1])


def repeated(squash):
    return jax.jit(lambda xs: jax.lax.scan(lambda state, _: after(squash, state, xs[0]), start, length=PLACES)[1])


programs = {
    "functions of slices": scanned(functions_of_slices),
    "slices of a function": scanned(slices_of_a_function),
    "functions of slices, nothing read": repeated(functions_of_slices),
}
same = [program(inputs) for program in list(programs.values())[:2]]
assert abs(same[0] - same[1]).max() < 1e-5
seconds = {name: [] for name in programs}
for _ in range(40):
    for name, program in programs.items():
        began = time.process_time()
        jax.block_until_ready(program(inputs))
        seconds[name].append(time.process_time() - began)
least = {name: min(each) for name, each in seconds.items()}
for name in programs:
    print(f"  {name}: {1000 * least[name]:.1f} ms of processor time", file=sys.stderr)
for name in list(programs)[1:]:
    print(f"{name}:", "less than two thirds" if least[name] < 2 / 3 * least["functions of slices"] else "as slow")
PYTHON

JAX_PLATFORMS=cpu "$folder/venv/bin/python" "$folder/gates.py" | tee "$folder/seen"
diff "$folder/seen" - <<'EXPECTED'
slices of a function: less than two thirds
functions of slices, nothing read: less than two thirds
EXPECTED
