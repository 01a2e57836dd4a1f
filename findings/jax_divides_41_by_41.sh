#!/usr/bin/env bash
# Divided by 41, JAX' 41.0 is floored to 0, and 21.0 by 7 is rounded up to 4: an array by a number is no true division.
#
# Versions:   jax 0.10.2, jaxlib 0.10.2, numpy 2.4.6, CPU (x86-64).
# Setting:    the multiples n * d of whole numbers d up to 64, n up to 200, divided by d and rounded down or up, as
#             in bins, cells of a grid, or windows that are counted. All the numbers are exact in float32.
# Usual guess: a quotient that is a whole number comes out exactly, as IEEE's division has it, and NumPy: at most
#             quotients that are no number of the type are rounded.
# Behaviour:  where a vector is divided by one number, XLA multiplies it by the number's reciprocal, which is rounded
#             before. For 12 divisors (7, 13, 14, 15 ...) some multiples are divided into more, for 4 (41, 47, 55, 61)
#             into less. It is so outside of jit and in it, for the divisor as a constant and as an argument, and for
#             whole numbers, which / turns into floats. A single number, a divisor as long as the vector, and //
#             divide exactly: the same line is right for one value and wrong for two.
# Seen:       see EXPECTED
# Exits with 1 where that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6

cat > "$folder/divide.py" <<'PYTHON'
import jax
import jax.numpy as jnp
import numpy as np

WHOLE, DIVISORS = np.arange(1, 201), range(1, 65)


def by_numpy(values, divisor):
    return values.astype(np.float32) / np.float32(divisor)


def by_jax(divide, dtype="float32"):
    return lambda values, divisor: np.asarray(divide(jnp.asarray(values, dtype), divisor))


def true_division(values, divisor):
    return values / divisor


WAYS = {
    "NumPy": by_numpy,
    "JAX": by_jax(true_division),
    "JAX, whole numbers": by_jax(true_division, "int32"),
    "JAX, jit": by_jax(jax.jit(true_division)),
    "JAX, a divisor of each": by_jax(lambda values, divisor: values / jnp.full_like(values, divisor)),
    "JAX, //": by_jax(lambda values, divisor: values // divisor),
}
for name, divide in WAYS.items():
    quotients = {divisor: divide(WHOLE * divisor, divisor) for divisor in DIVISORS}
    less = [divisor for divisor, each in quotients.items() if (np.floor(each) < WHOLE).any()]
    more = [divisor for divisor, each in quotients.items() if (np.ceil(each) > WHOLE).any()]
    print(f"{name}: less by {less}, more by {more}")
bins = jnp.floor(jnp.asarray([41.0, 82.0, 123.0, 164.0]) / 41)
windows = jnp.ceil(jnp.asarray([7, 14, 21, 42]) / 7)
print("floor of [41, 82, 123, 164] / 41:", bins.astype(int).tolist())
print("ceil of [7, 14, 21, 42] / 7:", windows.astype(int).tolist())
print("floor of 41 / 41 alone:", int(jnp.floor(jnp.asarray(41.0) / 41)))
PYTHON
JAX_PLATFORMS=cpu "$folder/venv/bin/python" -W ignore "$folder/divide.py" | tee "$folder/seen"
diff "$folder/seen" - <<'EXPECTED'
NumPy: less by [], more by []
JAX: less by [41, 47, 55, 61], more by [7, 13, 14, 15, 26, 28, 30, 51, 52, 56, 60, 63]
JAX, whole numbers: less by [41, 47, 55, 61], more by [7, 13, 14, 15, 26, 28, 30, 51, 52, 56, 60, 63]
JAX, jit: less by [41, 47, 55, 61], more by [7, 13, 14, 15, 26, 28, 30, 51, 52, 56, 60, 63]
JAX, a divisor of each: less by [], more by []
JAX, //: less by [], more by []
floor of [41, 82, 123, 164] / 41: [0, 1, 3, 3]
ceil of [7, 14, 21, 42] / 7: [1, 2, 4, 7]
floor of 41 / 41 alone: 1
EXPECTED
