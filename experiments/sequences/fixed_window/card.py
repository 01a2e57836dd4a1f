"""Fixed window: the next character from the last few, without memory.

Paper: Bengio et al. 2003. Claim: each further character of context lowers the cross-entropy, ever less, and a text
that goes on for longer than the window cannot be followed; this is what recurrent networks and attention are held
against. Command: ``lectern run fixed_window`` (Python's help, 30 s on two CPU cores), ``lectern run fixed_window
--context 1`` (bigrams), ``--data-dir FILE.txt`` for a text of your own. Expected figure: ``surprise``.
"""

from experiments.run.card import Card

CARD = Card(
    systems=("S1",),
    samples=True,
    smoke=dict(batch_size=8, length=16, context=2, widths=(8,), embedding=4),
    presets=dict(bigram=dict(context=1, widths=())),
)
