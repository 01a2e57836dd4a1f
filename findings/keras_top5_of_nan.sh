#!/usr/bin/env bash
# On JAX a Keras network that diverged to NaN has a top-5 accuracy of 100 %, among 1,000 classes.
#
# Versions:   keras 3.15.1; jax 0.10.2 and torch 2.13.0 as its backends (CPU), numpy 2.4.6.
# Setting:    a Dense layer of 1,000 classes on random points with random labels, squared error of one-hot labels, SGD
#             with a rate at which it diverges; four epochs, with TopKCategoricalAccuracy(5) and CategoricalAccuracy
#             watched.
# Usual guess: a network of NaN is right by chance at best, here 0.5 % of the time by top-5; chance is also the answer
#             where all scores are equal, as behind a rectifier that died.
# Behaviour:  a label is in the top 5 unless 5 scores are greater, and none is greater than NaN: each label is.
#             PyTorch's backend, and TensorFlow's, say 0 %. Where all scores are equal it is 100 % with each of them,
#             where scikit-learn's top_k_accuracy_score and torchmetrics say chance. "The best epoch by top-5" is the
#             diverged one.
# Seen:       see EXPECTED
# Exits with 1 where that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  keras==3.15.1 jax==0.10.2 jaxlib==0.10.2 torch==2.13.0 numpy==2.4.6

cat > "$folder/diverge.py" <<'PYTHON'
import keras
import numpy as np

EXAMPLES, INPUTS, CLASSES = 500, 50, 1000
keras.utils.set_random_seed(0)
draw = np.random.default_rng(0)
points = draw.normal(size=(EXAMPLES, INPUTS)).astype(np.float32)
labels = np.eye(CLASSES, dtype=np.float32)[draw.integers(0, CLASSES, EXAMPLES)]


def best_of_five():
    return keras.metrics.TopKCategoricalAccuracy(5, name="top5")


print(keras.backend.backend())
model = keras.Sequential([keras.Input((INPUTS,)), keras.layers.Dense(CLASSES)])
model.compile(optimizer=keras.optimizers.SGD(1e7), loss="mse", metrics=[best_of_five(), "categorical_accuracy"])
for epoch in range(4):
    model.fit(points, labels, batch_size=100, epochs=1, verbose=0)
    found = model.evaluate(points, labels, verbose=0, return_dict=True)
    if np.isfinite(model.predict(points, verbose=0)).all():
        print(f"  epoch {epoch + 1}: scores finite, top5 below 3 %: {found['top5'] < 0.03}")
    else:
        rates = (f"{name} {100 * found[name]:.1f} %" for name in ("top5", "categorical_accuracy"))
        print(f"  epoch {epoch + 1}: scores NaN,", ", ".join(rates))
for name, score in (("NaN", np.nan), ("equal", 0.0)):
    metric = best_of_five()
    metric.update_state(labels, np.full_like(labels, score))
    print(f"  {name} throughout: top5 {100 * float(metric.result()):.1f} %")
PYTHON
for backend in jax torch; do
  KERAS_BACKEND=$backend JAX_PLATFORMS=cpu "$folder/venv/bin/python" "$folder/diverge.py" | tee -a "$folder/seen"
done
diff "$folder/seen" - <<'EXPECTED'
jax
  epoch 1: scores finite, top5 below 3 %: True
  epoch 2: scores NaN, top5 100.0 %, categorical_accuracy 0.4 %
  epoch 3: scores NaN, top5 100.0 %, categorical_accuracy 0.4 %
  epoch 4: scores NaN, top5 100.0 %, categorical_accuracy 0.4 %
  NaN throughout: top5 100.0 %
  equal throughout: top5 100.0 %
torch
  epoch 1: scores finite, top5 below 3 %: True
  epoch 2: scores NaN, top5 0.0 %, categorical_accuracy 0.4 %
  epoch 3: scores NaN, top5 0.0 %, categorical_accuracy 0.4 %
  epoch 4: scores NaN, top5 0.0 %, categorical_accuracy 0.4 %
  NaN throughout: top5 0.0 %
  equal throughout: top5 100.0 %
EXPECTED
