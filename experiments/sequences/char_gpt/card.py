"""Character GPT: the next character by attention to all before it.

Paper: Radford et al. 2019, in nanoGPT's setting for a CPU. Claim: a transformer decoder predicts a character from all
that stands before it in a window, most of it from the last few, and writes text that looks like what it read.
Command: ``lectern run char_gpt`` (Python's help, 2 minutes on two CPU cores), ``--data-dir FILE.txt`` for a text of
your own, then ``lectern sample WORKDIR --prompt "The " --length 300 --temperature 0.8``. Expected figures: ``places``,
the loss along the window; ``surprise``.
"""

from experiments.run.card import Card, Reference

NANOGPT = dict(
    steps=2000,
    batch_size=12,
    length=64,
    stride=1,
    split="90/10",
    bias=False,
    optimizer="adamw",
    learning_rate=1e-3,
    beta2=0.99,
    weight_decay=0.1,
    penalized="kernels",
    clip_norm=1.0,
    schedule="cosine",
    warmup_steps=100,
    final_learning_rate=1e-4,
    evaluate_every=250,
    save_every=500,
)
CARD = Card(
    systems=("S14",),
    samples=True,
    smoke=dict(batch_size=8, length=16, depth=1, heads=2, width=8),
    presets=dict(nanogpt=NANOGPT),
    references=(
        Reference(
            "estimated_loss",
            1.88,
            "nats",
            cite="karpathy2022nanogpt",
            where="README, 'I only have a macbook'",
            read="source",
            protocol="tiny Shakespeare, last tenth; mean of 20 batches of 12 windows. Training windows are drawn with "
            "replacement there, here each once an epoch; the best of evaluations every 250 steps there, here the last",
            preset="nanogpt",
            data="tinyshakespeare",
        ),
    ),
)
