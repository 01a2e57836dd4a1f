"""Transfer learning: layers that have learnt half of the digits learn the others from a few labels.

Papers: Yosinski et al. 2014 (how transferable features are). Claim: the first layers of a net that tells 0–4 apart are
worth labels: with them the same net tells 5–9 apart better than from scratch where there are five labels a class,
whether they are frozen or go on learning; with twenty there is little left to gain. Five nets, each with labelled
examples of its own, in one run. Command: ``lectern run transfer`` (digits, 90 s on two CPU cores). Expected figure:
``labels``, three curves of error that meet at many labels. By hand, for your own data: ``lectern run convnet --from
WORKDIR --freeze 2``.
"""

from experiments.run.card import Card

CARD = Card(
    systems=("C19",),
    smoke=dict(pattern="CONV 4 stride 2 → RELU → FC", trunk=1, draws=2, pretrain_steps=2),
    presets=dict(mnist=dict(data="mnist", pretrain_steps=3000, steps=3150)),
)
