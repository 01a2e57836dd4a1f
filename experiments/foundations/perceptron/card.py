"""Perceptron: the learning rule finds 14 of the 16 Boolean functions of two inputs, and never XOR.

Papers: Rosenblatt 1958 for unit and rule, Novikoff 1962 for the bound on its updates, Minsky & Papert 1969 for XOR.
Claim: each of the 14 functions that a line separates is learnt after at most 51 updates (3 for the constants, 27 for
OR, 51 for AND), whatever the order of the examples; XOR and XNOR are updated for ever; two layers compute XOR. The
steps of the default preset suffice by that bound: a pass without an update ends the learning, and 52 passes are enough.
Command: ``lectern run perceptron`` (5 s on two CPU cores), ``lectern run perceptron --function nand``; 14 are learnt.
"""

from experiments.run.card import Card, Reference

CARD = Card(
    systems=("F1",),
    smoke=dict(steps=8),
    presets=dict(nand=dict(function="nand"), xor=dict(function="xor")),
    references=(
        Reference(
            "learnt",
            14,
            "functions",
            cite="cover1965",
            where="theorem 1; OEIS A064436",
            read="secondary",
            protocol="the functions of two bits that a line separates; the rule must end at each of them",
            preset="default",
        ),
    ),
)
