"""Adding problem: which networks find two numbers among many, and add them.

Papers: Hochreiter & Schmidhuber 1997 (the problem), Le et al. 2015 (rectifiers that begin as the identity), Bai et al.
2018 (convolutions in place of recurrence). Claim: the error stays at 1/6, what answering 1 costs, until a network has
found what is marked; at 100 places the plain recurrent network is still there when gated ones and dilated convolutions
are done. Command: ``lectern run adding_problem`` (GRU, 50 places, 20 s on two CPU cores), ``lectern run adding_problem
--preset irnn`` (100 places, 7 min). Expected figures: ``answers``, on the diagonal where it is solved, at 1 where it
is not; ``influence``.
"""

from functools import partial

from experiments.run.card import Card, Reference

BAI = dict(length=600, batch_size=32, learning_rate=2e-3, steps=23445, examples=50000, evaluate_every=1563)
IRNN = dict(
    length=100, cell="irnn", units=100, batch_size=16, learning_rate=1e-3, steps=30000, examples=100000,
    schedule="cosine", clip_norm=1.0, evaluate_every=1000, save_every=5000,
)  # fmt: skip
TABLE_1 = (
    "50,000 training sequences of 600 numbers, 1,000 for the test, one run with rates and clipping chosen for each "
    "network; rates here are ours but for the tcn's. Answering 1 costs 1/6 = 0.1667: 0.177 and 0.164 are chance"
)
WAVES = (
    "100 units, one run with settings chosen for it; solved, below 0.05, after 14,000, 22,000 and 30,000 updates at "
    "lengths 100, 200 and 400. Rates here are ours"
)


def printed(cite: str, protocol: str, **values: float) -> tuple[Reference, ...]:
    """The errors of a table, by preset."""
    of_table = partial(Reference, "loss", unit="", cite=cite, where="table 1", read="secondary", protocol=protocol)
    return tuple(of_table(value, preset=preset) for preset, value in values.items())


CARD = Card(
    systems=("S2", "S3", "S4", "S5"),
    smoke=dict(batch_size=8, length=6, examples=64, units=4, cell="gru"),
    presets=dict(
        irnn=IRNN,
        irnn200=IRNN | dict(length=200, steps=44000),
        irnn400=IRNN | dict(length=400, steps=60000),
        gru600=BAI | dict(cell="gru", units=130),
        lstm600=BAI | dict(cell="lstm", units=130, clip_norm=0.5),
        rnn600=BAI | dict(cell="rnn", units=130, clip_norm=0.5),
        tcn600=BAI | dict(cell="tcn", units=24, layers=8, weight_normalization=True),
        tcn=dict(cell="tcn", units=24, layers=3),
    ),
    references=(
        *printed("bai2018", TABLE_1, rnn600=0.177, lstm600=0.164, gru600=5.3e-5, tcn600=5.8e-5),
        *printed("keller2023", WAVES, irnn=1e-5, irnn200=4e-5, irnn400=1e-4),
    ),
)
