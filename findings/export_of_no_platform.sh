#!/usr/bin/env bash
# jax.export makes a function for a platform that does not exist, and cannot be serialised with what jax installs.
#
# Versions:   jax 0.10.2, jaxlib 0.10.2, CPU.
# Usual guess: a misspelt platform is refused by jax.export.export, as "gpu" is on a machine without one; `pip install
#             jax` is enough to serialise what was exported.
# Behaviour:  "cudda" is taken, and gives a function that runs nowhere: it is only refused when it is called. While
#             "gpu", an alias, raises RuntimeError where no GPU is; "cuda" does not. `serialize()` raises ImportError
#             until flatbuffers is installed, which no dependency of jax brings.
# Seen:       see EXPECTED
# Exits with 1 where that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6

cat > "$folder/export.py" <<'PYTHON'
import jax

def export(platform):
    try:
        made = jax.export.export(jax.jit(lambda x: x + 1), platforms=[platform])(jax.ShapeDtypeStruct((3,), "float32"))
        print(platform, "exported for", made.platforms)
        return made
    except RuntimeError as error:
        print(platform, type(error).__name__)


export("gpu")
export("cuda")
exported = export("cudda")
try:
    exported.call(jax.numpy.zeros(3))
except ValueError as error:
    print("called:", type(error).__name__)
try:
    exported.serialize()
    print("serialised")
except ImportError as error:
    print("serialised:", type(error).__name__, "flatbuffers" in str(error))
PYTHON
JAX_PLATFORMS=cpu "$folder/venv/bin/python" "$folder/export.py" | tee "$folder/seen"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check flatbuffers==25.12.19
JAX_PLATFORMS=cpu "$folder/venv/bin/python" "$folder/export.py" | tail -n 1 | tee -a "$folder/seen"
diff "$folder/seen" - <<'EXPECTED'
gpu RuntimeError
cuda exported for ('cuda',)
cudda exported for ('cudda',)
called: ValueError
serialised: ImportError True
serialised
EXPECTED
