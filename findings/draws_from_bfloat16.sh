#!/usr/bin/env bash
# jax.random.categorical draws bfloat16 logits with seven bits of chance: rare symbols never come, equal ones by index.
#
# Versions:   jax 0.10.2, jaxlib 0.10.2, numpy 2.4.6, CPU (0.12.0.1 draws the same).
# Setting:    20,000 draws from 1,000 equal logits, and from log p of 5,000 symbols in random order with p as in Zipf's
#             law; 1,000,000 of jax.random.bernoulli with p = 0.001; 1,000,000 of jax.random.normal.
# Usual guess: a logit rounded to bfloat16 moves its probability by a few per cent, and what is drawn as much: the
#             noise of the draw is fine enough whatever the type of the logits.
# Behaviour:  the noise is drawn in the type of the logits. In bfloat16 it takes 128 values, no higher than 4.84, and
#             of equal sums the first index wins. 98 % of draws of 1,000 equal symbols are from the first half, and 278
#             never come. A language model's samples look far better than they are: 3.76 nats a symbol where its
#             entropy is 6.19. bernoulli draws p = 0.001 eight times too often; a normal stays within 2.9 deviations.
#             float16 is in between. mode="high" mends equal logits, and errs to the other side for Zipf's, 6.77; logits
#             that are cast to float32 before the draw are drawn as they should be.
# Seen:       see EXPECTED
# Exits with 1 where that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6

cat > "$folder/draw.py" <<'PYTHON'
import jax
import jax.numpy as jnp
import numpy as np

EQUAL, SYMBOLS, DRAWS, MANY = 1000, 5000, (20_000,), (1_000_000,)
key = jax.random.key(0)
zipf = np.random.default_rng(0).permutation(1 / np.arange(1, SYMBOLS + 1))
zipf /= zipf.sum()

for dtype in ("float32", "float16", "bfloat16"):
    print(dtype)
    for options in ({}, {"mode": "high"}):
        equal = np.asarray(jax.random.categorical(key, jnp.zeros(EQUAL, dtype), shape=DRAWS, **options))
        never = EQUAL - len(np.unique(equal))
        print(f"  equal {options}: {100 * (equal < EQUAL / 2).mean():.0f} % of the first half, {never} never")
    logits = jnp.log(jnp.asarray(zipf, "float32")).astype(dtype)
    wide = logits.astype("float32")
    surprise = -np.asarray(jax.nn.log_softmax(wide))
    print(f"  Zipf: entropy {(np.exp(-surprise) * surprise).sum():.2f}")
    for name, given, options in (("drawn", logits, {}), ("high", logits, {"mode": "high"}), ("cast", wide, {})):
        drawn = np.asarray(jax.random.categorical(key, given, shape=DRAWS, **options))
        print(f"    {name}: surprise {surprise[drawn].mean():.2f}, {len(np.unique(drawn))} symbols")
    heads = np.asarray(jax.random.bernoulli(key, jnp.asarray(0.001, dtype), MANY)).mean()
    normals = np.asarray(jax.random.normal(key, MANY, dtype)).astype(float)
    values, furthest = len(np.unique(normals)), abs(normals).max()
    values = values if values < 2000 else "over 2000"
    print(f"  Bernoulli of 0.001: {heads:.4f}; normals: {values} values within {furthest:.1f}")
PYTHON
JAX_PLATFORMS=cpu "$folder/venv/bin/python" "$folder/draw.py" | tee "$folder/seen"
diff "$folder/seen" - <<'EXPECTED'
float32
  equal {}: 49 % of the first half, 0 never
  equal {'mode': 'high'}: 50 % of the first half, 0 never
  Zipf: entropy 6.19
    drawn: surprise 6.18, 3164 symbols
    high: surprise 6.23, 3221 symbols
    cast: surprise 6.18, 3164 symbols
  Bernoulli of 0.001: 0.0010; normals: over 2000 values within 4.6
float16
  equal {}: 62 % of the first half, 0 never
  equal {'mode': 'high'}: 50 % of the first half, 0 never
  Zipf: entropy 6.19
    drawn: surprise 4.59, 555 symbols
    high: surprise 5.50, 1892 symbols
    cast: surprise 6.18, 3165 symbols
  Bernoulli of 0.001: 0.0020; normals: 1024 values within 3.5
bfloat16
  equal {}: 98 % of the first half, 278 never
  equal {'mode': 'high'}: 51 % of the first half, 0 never
  Zipf: entropy 6.19
    drawn: surprise 3.76, 137 symbols
    high: surprise 6.77, 3904 symbols
    cast: surprise 6.18, 3159 symbols
  Bernoulli of 0.001: 0.0077; normals: 128 values within 2.9
EXPECTED
