#!/usr/bin/env bash
# jaxlib's wheel has oneDNN inside, and XLA takes the flags that ask for it; a convolution is none of oneDNN's under any.
#
# Versions:   jax 0.10.2, CPU (x86-64).
# Setting:    the compiled program of a matrix product and of a 3×3 convolution (16 images of 64×64, 32 channels, 16
#             features), under XLA_FLAGS; what computes it is named in the text of the program.
# Usual guess: --xla_cpu_experimental_onednn_custom_call=true (with --xla_cpu_use_onednn=true) has oneDNN compute products
#             and convolutions, as PyTorch does, or is refused where the build has none.
# Behaviour:  both flags are taken without a word and change nothing. --xla_cpu_experimental_onednn_fusion_type=dot, with
#             --xla_cpu_use_onednn=true, hands products to oneDNN; a convolution stays with XLA's other library even so.
# Seen:       see EXPECTED. Products of a few hundred rows were as fast either way on an Intel Xeon (0.9 to 1.1 of the time).
# Exits with 1 where that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6

cat > "$folder/who.py" <<'PYTHON'
import jax
import jax.numpy as jnp
from jax import lax

jax.config.update("jax_enable_compilation_cache", False)


def convolution(images, kernel):
    return lax.conv_general_dilated(images, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))


def by(function, *shapes):
    program = jax.jit(function).lower(*(jnp.ones(shape) for shape in shapes)).compile().as_text()
    return "oneDNN" if "onednn" in program.lower() else "not oneDNN"


print("  a product by", by(jnp.matmul, (512, 256), (256, 512)))
print("  a convolution by", by(convolution, (16, 64, 64, 32), (3, 3, 32, 16)))
PYTHON

for flags in \
  "" \
  "--xla_cpu_use_onednn=true --xla_cpu_experimental_onednn_custom_call=true" \
  "--xla_cpu_use_onednn=true --xla_cpu_experimental_onednn_fusion_type=dot"; do
  echo "flags: ${flags:-none}"
  XLA_FLAGS="$flags" JAX_PLATFORMS=cpu "$folder/venv/bin/python" "$folder/who.py"
done 2>"$folder/errors" | tee "$folder/seen"
diff "$folder/seen" - <<'EXPECTED'
flags: none
  a product by not oneDNN
  a convolution by not oneDNN
flags: --xla_cpu_use_onednn=true --xla_cpu_experimental_onednn_custom_call=true
  a product by not oneDNN
  a convolution by not oneDNN
flags: --xla_cpu_use_onednn=true --xla_cpu_experimental_onednn_fusion_type=dot
  a product by oneDNN
  a convolution by not oneDNN
EXPECTED
