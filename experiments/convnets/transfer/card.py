"""Transfer learning: layers that have learnt half of the digits learn the others from a few labels.

Papers: Yosinski et al. 2014 (how transferable features are). Claim: the first layers of a net that tells 0–4 apart are
worth labels: with them the same net tells 5–9 apart better than from scratch where there are five labels a class,
whether they are frozen or go on learning; with twenty there is nothing left to gain. (``--seeds 5``: at five labels
13.8 ± 2.0 % are wrong from scratch, 10.3 ± 1.7 with the layers frozen, 11.0 ± 1.8 fine-tuned; at twenty 2.9 ± 0.5, 4.0
± 1.0 and 2.7 ± 0.8.) Five nets, each with labelled examples of its own, in one run. Command: ``lectern run transfer``
(digits, 40 s on two CPU cores). Expected figure: ``labels``, three curves of error that meet at many labels. By hand,
for your own data: ``lectern run convnet --from WORKDIR --freeze 2``.
"""

from experiments.run.card import Card

CARD = Card(
    systems=("C19",),
    smoke=dict(pattern="CONV 4 stride 2 → RELU → FC", trunk=1, draws=2, pretrain_steps=2),
    presets=dict(mnist=dict(data="mnist", pretrain_steps=3000, steps=3150)),
)
