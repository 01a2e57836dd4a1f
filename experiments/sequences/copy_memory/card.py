"""Copy memory: ten symbols, and a long silence after which they are to be said again.

Papers: Hochreiter & Schmidhuber 1997 and Arjovsky et al. 2016 (the problem), Bai et al. 2018 (dilated convolutions).
Claim: whoever remembers nothing pays 10 ln 8 / (T + 20) nats a place, and recurrent networks stay there for long; what
sees all places at once does not. Command: ``lectern run copy_memory`` (GRU, delay 20, 50 s on two CPU cores), ``lectern
run copy_memory --preset tcn`` (delay 100, 3 min). Expected figure: ``recall``, letter by letter.
"""

from functools import partial

from experiments.run.card import Card, Reference

PAPER = dict(
    delay=1000, batch_size=32, optimizer="rmsprop", learning_rate=5e-4, clip_norm=1.0, examples=10000, steps=15600,
    evaluate_every=1560,
)  # fmt: skip
PROTOCOL = (
    "10,000 training sequences of 1,020 places, 1,000 for the test, 8 blocks of 10 channels, kernel 8. Remembering "
    "nothing costs 10 ln 8 / 1020 = 0.02039; its LSTM is printed at that"
)
printed = partial(Reference, "loss", cite="bai2018", where="table 1", read="secondary", protocol=PROTOCOL)

CARD = Card(
    systems=("S2", "S3", "S4", "S5"),
    smoke=dict(batch_size=8, delay=2, examples=64, units=4, cell="gru"),
    presets=dict(
        tcn=dict(cell="tcn", units=10, layers=5, window=8, delay=100),
        lstm=dict(cell="lstm"),
        tcn1000=PAPER | dict(cell="tcn", units=10, layers=8, window=8, weight_normalization=True),
        lstm1000=PAPER | dict(cell="lstm", units=50),
    ),
    references=(printed(3.5e-5, "nats", preset="tcn1000"), printed(0.0204, "nats", preset="lstm1000")),
)
