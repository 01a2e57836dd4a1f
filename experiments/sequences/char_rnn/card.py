"""Character RNN: the next character from a state that has seen all before it.

Papers: Elman 1990, Graves 2013 (texts from recurrent networks), Zaremba et al. 2014 (dropout between layers, never
between places). Claim: a state that is handed on beats any window of a few characters (``fixed_window``), and what the
text needs far back is known by the network's own gates. Command: ``lectern run char_rnn`` (Python's help, 95 s on two
CPU cores), ``--data-dir FILE.txt`` for a text of your own; ``lectern sample WORKDIR --prompt "The "`` goes on with it.
Expected figures: ``surprise``, ``states``.
"""

from experiments.run.card import Card

CARD = Card(
    systems=("S2", "S3", "S4", "S5", "S6"),
    samples=True,
    smoke=dict(batch_size=8, length=16, units=8),
    presets=dict(
        rnn=dict(cell="rnn", clip_norm=1.0),
        gru=dict(cell="gru"),
        deep=dict(units=256, layers=2, dropout=0.3, length=100, batch_size=50, steps=10000, schedule="cosine"),
    ),
)
