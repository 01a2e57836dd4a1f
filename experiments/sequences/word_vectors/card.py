"""Word vectors: what words have to do with each other, learnt from the words beside them.

Papers: Mikolov et al. 2013 (skip-gram with negative sampling), Levy & Goldberg 2014 (what it factorises). Claim: in a
corpus where gender, capital and tense are planted, king − man + woman is queen and all other analogies are found, by
descent on neighbours as by factorising counts. Command: ``lectern run word_vectors`` (generated sentences, 1 minute on
two CPU cores). Expected figure: ``map``, where the arrows of a relation are parallel.
"""

from experiments.run.card import Card

CARD = Card(
    systems=("S15",),
    smoke=dict(batch_size=16, sentences=200, size=8),
    presets=dict(few_sentences=dict(sentences=2000)),
)
