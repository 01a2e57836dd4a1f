"""Masked text: an encoder fills in the characters that are hidden, from both sides.

Paper: Devlin et al. 2019 (BERT), with characters for words. Claim: an encoder tells three of five hidden characters
from both sides, and goes on learning: one place in seven teaches at each step, where every place does in ``char_gpt``.
Command: ``lectern run masked_text`` (Python's help, a minute and a half on two CPU cores). Expected figure: ``filled``.
"""

from experiments.run.card import Card

CARD = Card(systems=("S13",), smoke=dict(batch_size=8, length=16, depth=1, heads=2, width=8))
