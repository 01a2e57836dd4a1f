#!/usr/bin/env bash
# Exported to ONNX, jax.nn.one_hot(-1) is the last class instead of none, and halving an image takes the other pixels.
#
# Versions:   jax2onnx 0.17.1, onnx 1.23.2, onnxruntime 1.32.0, jax 0.10.2, numpy 2.4.6 (CPU).
# Setting:    a row of pixels made smaller or larger by jax.image.resize(..., "nearest"), and a cross-entropy by
#             one_hot in which a label of -1 marks an example that does not count; each by JAX, and by onnxruntime from
#             the exported model.
# Usual guess: a model that was exported and runs computes the same numbers, up to rounding.
# Behaviour:  JAX takes the pixel whose cell holds the centre of the new one, and of two that share it the later. The
#             exported model is told to take the earlier: 28 pixels to 14 are 1, 3, 5 ... in JAX and 0, 2, 4 ... in
#             ONNX, a shift of one pixel; enlarging, and thirds, are alike. ONNX counts an index of -1 from the end,
#             and JAX' one_hot has a row of zeros for it: the example that did not count is one of the last class, and
#             the loss is 4.39 instead of 3.23.
# Seen:       see EXPECTED
# Exits with 1 where that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  jax2onnx==0.17.1 onnx==1.23.2 onnxruntime==1.32.0 jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6

cat > "$folder/export.py" <<'PYTHON'
import jax
import jax.numpy as jnp
import numpy as np
import onnxruntime
from jax2onnx import to_onnx

CLASSES = 4


def both(function, *inputs):
    shapes = [jax.ShapeDtypeStruct(each.shape, each.dtype) for each in inputs]
    model = to_onnx(function, shapes).SerializeToString()
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    named = {one.name: each for one, each in zip(session.get_inputs(), inputs, strict=True)}
    return np.asarray(jax.jit(function)(*inputs)), session.run(None, named)[0]


def loss(scores, labels):
    return -jnp.sum(jax.nn.log_softmax(scores) * jax.nn.one_hot(labels, CLASSES))


for size, other in ((14, 28), (28, 14), (9, 3), (32, 24)):
    by_jax, by_onnx = both(lambda row: jax.image.resize(row, (other,), "nearest"), np.arange(size, dtype=np.float32))
    begins = [each[:4].astype(int).tolist() for each in (by_jax, by_onnx)]
    differ = (by_jax != by_onnx).sum()
    print(f"{size} pixels to {other}: {differ} differ; JAX takes {begins[0]} ..., ONNX {begins[1]} ...")
for label in (3, -1, 4):
    rows = both(lambda labels: jax.nn.one_hot(labels, CLASSES), np.asarray([label], np.int32))
    print(f"one_hot({label}): JAX {rows[0][0].astype(int).tolist()}, ONNX {rows[1][0].astype(int).tolist()}")
scores = np.random.default_rng(0).normal(size=(3, CLASSES)).astype(np.float32)
for labels in ([1, 0, 2], [1, -1, 2]):
    losses = both(loss, scores, np.asarray(labels, np.int32))
    print(f"cross-entropy of labels {labels}: JAX {losses[0]:.2f}, ONNX {losses[1]:.2f}")
PYTHON
JAX_PLATFORMS=cpu "$folder/venv/bin/python" "$folder/export.py" | tee "$folder/seen"
diff "$folder/seen" - <<'EXPECTED'
14 pixels to 28: 0 differ; JAX takes [0, 0, 1, 1] ..., ONNX [0, 0, 1, 1] ...
28 pixels to 14: 14 differ; JAX takes [1, 3, 5, 7] ..., ONNX [0, 2, 4, 6] ...
9 pixels to 3: 0 differ; JAX takes [1, 4, 7] ..., ONNX [1, 4, 7] ...
32 pixels to 24: 8 differ; JAX takes [0, 2, 3, 4] ..., ONNX [0, 1, 3, 4] ...
one_hot(3): JAX [0, 0, 0, 1], ONNX [0, 0, 0, 1]
one_hot(-1): JAX [0, 0, 0, 0], ONNX [0, 0, 0, 1]
one_hot(4): JAX [0, 0, 0, 0], ONNX [0, 0, 0, 0]
cross-entropy of labels [1, 0, 2]: JAX 5.87, ONNX 5.87
cross-entropy of labels [1, -1, 2]: JAX 3.23, ONNX 4.39
EXPECTED
