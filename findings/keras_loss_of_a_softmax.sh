#!/usr/bin/env bash
# A surely wrong Keras classifier learns on TensorFlow; on JAX and PyTorch the same program has a gradient of zero.
#
# Versions:   keras 3.15.1; tensorflow-cpu 2.21.0, jax 0.10.2, torch 2.13.0 as its backends (CPU).
# Setting:    a Dense layer with softmax and "categorical_crossentropy", or with sigmoid and "binary_crossentropy", as
#             most examples have it; the logit of the wrong class begins 40 above the right one's, as after a rate too
#             high. One example, 100 steps of SGD with rate 1.
# Usual guess: a program has the same loss on any backend, up to rounding.
# Behaviour:  TensorFlow's backend finds the logits behind the probabilities and takes the loss of those: 40, then
#             nearly 0. The others clip probabilities to 1e-7: the loss is 16.12 (15.94), its gradient exactly zero,
#             and nothing ever changes. A last layer without activation and a loss of from_logits=True learn on all
#             three.
# Seen:       see EXPECTED
# Exits with 1 where that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  keras==3.15.1 tensorflow-cpu==2.21.0 jax==0.10.2 jaxlib==0.10.2 torch==2.13.0 numpy==2.4.6

cat > "$folder/learn.py" <<'PYTHON'
import keras
import numpy as np

BEFORE = 40.0
TASKS = {
    "categorical_crossentropy": ("softmax", [[BEFORE, 0.0]], [[0.0, 1.0]]),
    "binary_crossentropy": ("sigmoid", [[BEFORE]], [[0.0]]),
}
print(keras.backend.backend())
for loss, (activation, weights, target) in TASKS.items():
    model = keras.Sequential(
        [keras.Input((1,)), keras.layers.Dense(len(target[0]), activation=activation, use_bias=False)]
    )
    model.set_weights([np.asarray(weights, np.float32)])
    model.compile(optimizer=keras.optimizers.SGD(1.0), loss=loss)
    losses = model.fit(np.ones((1, 1)), np.asarray(target), epochs=100, verbose=0).history["loss"]
    moved = abs(model.get_weights()[0] - weights).max() > 0
    print(f"  {loss}: {losses[0]:.2f}, after 100 steps {losses[-1]:.2f}, weights {'moved' if moved else 'as before'}")
PYTHON
export JAX_PLATFORMS=cpu TF_CPP_MIN_LOG_LEVEL=3
for backend in tensorflow jax torch; do
  KERAS_BACKEND=$backend "$folder/venv/bin/python" "$folder/learn.py" | tee -a "$folder/seen"
done
diff "$folder/seen" - <<'EXPECTED'
tensorflow
  categorical_crossentropy: 40.00, after 100 steps 0.01, weights moved
  binary_crossentropy: 40.00, after 100 steps 0.02, weights moved
jax
  categorical_crossentropy: 16.12, after 100 steps 16.12, weights as before
  binary_crossentropy: 15.94, after 100 steps 15.94, weights as before
torch
  categorical_crossentropy: 16.12, after 100 steps 16.12, weights as before
  binary_crossentropy: 15.94, after 100 steps 15.94, weights as before
EXPECTED
