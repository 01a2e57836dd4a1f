#!/usr/bin/env bash
# jaxtyping's import hook hands a function that another one defines to the type checker at every call of the outer one.
#
# Versions:   jaxtyping 0.3.11, beartype 0.23.1, jax 0.10.2 (CPU).
# Setting:    a module under install_import_hook, with one function at its top level that defines and calls an inner one,
#             as losses, training steps and modules of flax do. The checker is beartype, counted.
# Usual guess: functions are decorated once, when the module is imported; a call costs the checks of its arguments alone.
# Behaviour:  the top-level function costs two decorations at import. Each of its calls costs two more, for the inner
#             function: its signature is taken apart and written out as new functions, which beartype compiles. A call
#             costs that much more, each time. The types in two such signatures are not equal, as every definition makes
#             them anew, but they read alike: a checker that remembers by place and by the text of the signature ends it.
# Seen:       decorations at import 2, after 50 calls 102; with a checker that remembers: 2, and after 50 calls 4
# Exits with 1 where the counts differ.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check jaxtyping==0.3.11 beartype==0.23.1 jax==0.10.2 jaxlib==0.10.2

cat > "$folder/watched.py" <<'PYTHON'
from jax import Array
from jaxtyping import Float


def outer(values: Float[Array, " n"]) -> Float[Array, " n"]:
    def inner(values: Float[Array, " n"]) -> Float[Array, " n"]:
        return values

    return inner(values)
PYTHON
cp "$folder/watched.py" "$folder/watched_again.py"

cat > "$folder/checkers.py" <<'PYTHON'
import inspect

from beartype import beartype

COUNTS = {"plain": 0, "remembers": 0}
SEEN = {}


def plain(function):
    COUNTS["plain"] += 1
    return beartype(function)


def remembers(function):
    place = function.__module__, function.__qualname__, str(inspect.signature(function))
    if place not in SEEN:
        COUNTS["remembers"] += 1
        SEEN[place] = beartype(function)
    return SEEN[place]
PYTHON

cat > "$folder/count.py" <<'PYTHON'
import sys

import jax.numpy as jnp
from checkers import COUNTS
from jaxtyping import install_import_hook

with install_import_hook("watched", "checkers.plain"):
    import watched
with install_import_hook("watched_again", "checkers.remembers"):
    import watched_again

values, imported = jnp.zeros(3), dict(COUNTS)
for _ in range(50):
    watched.outer(values)
    watched_again.outer(values)
print(f"decorations at import {imported}, after 50 calls {COUNTS}")
sys.exit((imported, COUNTS) != ({"plain": 2, "remembers": 2}, {"plain": 102, "remembers": 4}))
PYTHON
cd "$folder" && "$folder/venv/bin/python" count.py
