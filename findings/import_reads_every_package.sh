#!/usr/bin/env bash
# Importing jax.numpy parses the metadata of every package that is installed, whatever it is.
#
# Versions:   jax 0.10.2, CPU; the other packages are any (here Sphinx's, which have nothing to do with JAX).
# Setting:    an environment with JAX alone, and the same with Sphinx and what it needs. Counted is whose METADATA is
#             parsed between the start of Python and the end of `import jax.numpy`; nothing else is imported.
# Usual guess: the start takes what JAX and its own dependencies take, and plugins are found by their entry points,
#             for which the small file entry_points.txt is enough.
# Behaviour:  a search for plugins of ROCm goes through all distributions by the name in their METADATA, which is
#             parsed as a mail message with the whole description. So each new package, also of an unrelated kind, makes
#             every start longer: with 99 distributions it was 0.1 s of a second's import on one computer.
# Seen:       see EXPECTED
# Exits with 1 where that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
install=("$folder/venv/bin/pip" install --quiet --disable-pip-version-check)
"${install[@]}" jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6

cat > "$folder/count.py" <<'PYTHON'
import importlib.metadata as metadata

installed = {each.name for each in metadata.distributions()}
whole, parsed = metadata.Distribution.metadata, []


class Counted(metadata.PathDistribution):
    @property
    def metadata(self):
        found = whole.fget(self)
        parsed.append(found["Name"])
        return found


metadata.PathDistribution.metadata = Counted.metadata

import jax.numpy

print("every package is parsed:", set(parsed) == installed)
print("Sphinx is parsed:", "Sphinx" in {name.title() for name in parsed})
PYTHON
{
  JAX_PLATFORMS=cpu "$folder/venv/bin/python" "$folder/count.py"
  "${install[@]}" sphinx==8.2.3
  JAX_PLATFORMS=cpu "$folder/venv/bin/python" "$folder/count.py"
} | tee "$folder/seen"
diff "$folder/seen" - <<'EXPECTED'
every package is parsed: True
Sphinx is parsed: False
every package is parsed: True
Sphinx is parsed: True
EXPECTED
