"""Transfer learning: layers that have learnt half of the digits learn the others from a few labels.

Papers: Yosinski et al. 2014 (how transferable features are). Claim: the first layers of a net that tells 0–4 apart are
worth labels: with them the same net tells 5–9 apart better than from scratch, frozen or fine-tuned, and the more so the
fewer labels there are. (``--seeds 5``: with five labels a class 12.9 ± 3.7 % are wrong from scratch, 9.1 ± 1.5 with the
layers frozen, 9.2 ± 1.4 fine-tuned; with ten 6.4 ± 1.3, 5.1 ± 1.5 and 4.6 ± 1.0; with twenty 2.4 ± 1.4, 2.3 ± 1.1 and
2.2 ± 0.9, which is within the deviation.) Five nets, each with labelled examples of its own, in one run. Command:
``lectern run transfer`` (digits, 40 s on two CPU cores). Expected figure: ``labels``, three curves of error that meet
at many labels; ``labels_of_seeds`` of several seeds. By hand, for your own data: ``lectern run convnet --from WORKDIR
--freeze 2``.
"""

from experiments.run.card import Card

CARD = Card(
    systems=("C19",),
    smoke=dict(pattern="CONV 4 stride 2 → RELU → FC", trunk=1, draws=2, pretrain_steps=2),
    presets=dict(mnist=dict(data="mnist", pretrain_steps=3000, steps=3150)),
)
