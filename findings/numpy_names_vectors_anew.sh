#!/usr/bin/env bash
# NumPy 2.4 no longer says which vector instructions a processor has: it says which level of x86-64.
#
# Versions:   numpy 2.3.5 and 2.4.6, x86-64 with AVX2 or more.
# Setting:    numpy.show_config(mode="dicts")["SIMD Extensions"], baseline and found together, asked for AVX2, for
#             AVX512F, and for the levels X86_V2, X86_V3 and X86_V4.
# Usual guess: "AVX512F" in the list of found extensions tells on any NumPy 2 whether vectors have 512 bits, as a program
#             may want to know that chooses between two ways of computing; and nothing warns where a name is gone.
# Behaviour:  from 2.4 on AVX2 and AVX512F are no longer names: X86_V3 and X86_V4 stand in their place. A test for the old
#             name is False on every processor, and raises nothing.
# Seen:       see EXPECTED.
# Exits with 1 where that changes.
set -euo pipefail
if ! grep -qw avx2 /proc/cpuinfo; then
  echo "needs a processor with AVX2"
  exit 0
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/names.py" <<'PYTHON'
import numpy as np

said = np.show_config(mode="dicts")["SIMD Extensions"]
names = {*said["baseline"], *said.get("found", ()), *said.get("not found", ())}
print(np.__version__, "knows the names", *sorted(names & {"AVX2", "AVX512F", "X86_V2", "X86_V3", "X86_V4"}))
print("  and has", *sorted({*said["baseline"], *said.get("found", ())} & {"AVX2", "X86_V3"}))
PYTHON
for version in 2.3.5 2.4.6; do
  python3 -m venv "$folder/$version"
  "$folder/$version/bin/pip" install --quiet --disable-pip-version-check "numpy==$version"
  "$folder/$version/bin/python" "$folder/names.py"
done | tee "$folder/seen"
diff "$folder/seen" - <<'EXPECTED'
2.3.5 knows the names AVX2 AVX512F
  and has AVX2
2.4.6 knows the names X86_V2 X86_V3 X86_V4
  and has X86_V3
EXPECTED
