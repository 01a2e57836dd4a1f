"""Sequential digits: an image read pixel by pixel, and named at the end.

Papers: Le et al. 2015 (pixel by pixel, and in a fixed random order), Bai et al. 2018 (four kinds of networks). Claim:
784 pixels are too far apart for a plain recurrent network, not for gates, and convolutions that see all do best.
Command: ``lectern run sequential_digits`` (scikit-learn's digits, 64 pixels, GRU, 30 s on two CPU
cores), ``--permuted``, ``--preset mnist_gru --data-dir MNIST``. Expected figure: ``reading``, where the answer forms as
the pixels come.
"""

from functools import partial

from experiments.run.card import Card, Reference

MNIST = dict(data="mnist", batch_size=64, steps=18750, learning_rate=2e-3, clip_norm=1.0, evaluate_every=1875)
PROTOCOL = (
    "MNIST, 784 pixels row by row, about 70,000 parameters, 20 epochs, rates and clipping chosen for each network; "
    "printed is the accuracy in %, whose complement this is. Validation images are held out here, and rates are ours"
)
printed = partial(
    Reference, "error", unit="%", cite="bai2018", where="table 1", read="secondary", protocol=PROTOCOL, tested=10_000
)

CARD = Card(
    systems=("S2", "S3", "S4", "S5"),
    smoke=dict(batch_size=32, units=8, reads="rows"),
    presets=dict(
        rows=dict(reads="rows"),
        permuted=dict(permuted=True),
        mnist_rnn=MNIST | dict(cell="rnn", units=256),
        mnist_lstm=MNIST | dict(cell="lstm", units=130),
        mnist_gru=MNIST | dict(cell="gru", units=150),
        mnist_tcn=MNIST | dict(cell="tcn", units=25, layers=8, window=7, dropout=0.05, weight_normalization=True),
        mnist_irnn=MNIST | dict(cell="irnn", units=100, learning_rate=1e-4),
    ),
    references=(
        printed(78.5, preset="mnist_rnn"),
        printed(12.8, preset="mnist_lstm"),
        printed(3.8, preset="mnist_gru"),
        printed(1.0, preset="mnist_tcn"),
    ),
)
