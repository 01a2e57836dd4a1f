#!/usr/bin/env bash
# Keras' addition example prints "99% train/test accuracy" for two digits; its own layers reach that on trained sums alone.
#
# Versions:   keras 3.15.1 on jax 0.10.2 (CPU), numpy 2.4.6.
# Setting:    as the example says: 5,000 different questions of numbers with one or two digits, a tenth held out after a
#             shuffle, questions filled with spaces and reversed, one LSTM of 128 units to read and one to write, Adam,
#             batches of 32, 55 epochs. Accuracy is that of symbols, the spaces behind an answer among them.
# Usual guess: 1 % of held-out symbols are wrong, as the example's list of results has it.
# Behaviour:  2 to 3 % are (1.7, 2.2, 2.7 and 3.1 % with four draws of questions and weights), and some 1 % of the trained
#             ones (0.5 to 1.3). Nearly all mistakes are in sums with a number of one digit, of which there are few: 20 to
#             38 % of those are wrong. A replication that ends at 2 % is right.
# Seen:       {'trained': 1.27, 'held out': 3.13}
#             sums with a number of one digit, others: [38.2, 1.0] % wrong
# Takes two minutes. Exits with 1 where more than 4 % or less than 1.5 % are wrong, or others.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check keras==3.15.1 jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6

cat > "$folder/add.py" <<'PYTHON'
import keras
import numpy as np

DIGITS, QUESTIONS, EPOCHS = 2, 5000, 55
SYMBOLS = {symbol: number for number, symbol in enumerate(" +0123456789")}
keras.utils.set_random_seed(0)
draw = np.random.default_rng(0)

asked = {}
while len(asked) < QUESTIONS:
    one, other = (int(draw.integers(10 ** draw.integers(1, DIGITS + 1))) for _ in range(2))
    asked.setdefault(frozenset((one, other)), (one, other))
pairs = draw.permutation(list(asked.values()))


def one_hot(texts):
    return np.eye(len(SYMBOLS), dtype=bool)[[[SYMBOLS[symbol] for symbol in text] for text in texts]]


questions = one_hot([f"{one}+{other}".ljust(2 * DIGITS + 1)[::-1] for one, other in pairs])
answers = one_hot([str(one + other).ljust(DIGITS + 1) for one, other in pairs])
trained = slice(None, -QUESTIONS // 10)
held_out = slice(-QUESTIONS // 10, None)
model = keras.Sequential(
    [
        keras.Input(questions.shape[1:]),
        keras.layers.LSTM(128),
        keras.layers.RepeatVector(DIGITS + 1),
        keras.layers.LSTM(128, return_sequences=True),
        keras.layers.Dense(len(SYMBOLS), activation="softmax"),
    ]
)
model.compile(loss="categorical_crossentropy", optimizer="adam")
model.fit(questions[trained], answers[trained], batch_size=32, epochs=EPOCHS, verbose=0)
wrong = model.predict(questions, verbose=0).argmax(-1) != answers.argmax(-1)
errors = {"trained": 100 * wrong[trained].mean(), "held out": 100 * wrong[held_out].mean()}
print({name: round(float(error), 2) for name, error in errors.items()})
small = pairs[held_out].min(axis=1) < 10
rates = [wrong[held_out][which].any(axis=1).mean() for which in (small, ~small)]
print("sums with a number of one digit, others:", [round(100 * float(rate), 1) for rate in rates], "% wrong")
assert errors["trained"] < 1.5 < errors["held out"] < 4
assert rates[0] > 10 * rates[1]
PYTHON
KERAS_BACKEND=jax JAX_PLATFORMS=cpu "$folder/venv/bin/python" "$folder/add.py"
