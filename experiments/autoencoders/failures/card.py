"""How autoencoders fail: a code as wide as the image or wider, or too much capacity; and what repairs it.

Lecture 002, "Autoencoder failings". Claim: what fails copies or memorises. A net that copies restores scrambled images
as well as digits, and leaves noise in; one that memorises is much worse on new digits than on those it was trained on.
Noise in training, a penalty or fewer active units repair the same net, each in its own way. Command: ``lectern run
failures`` (digits, 60 s on two CPU cores). Expected figure: ``table``; over five seeds it stands in
docs/autoencoder-failures.md.
"""

from experiments.run.card import Card

CARD = Card(
    systems=("A9",),
    smoke=dict(overcomplete=80, designs=("overcomplete",), remedies=("none", "k_sparse", "contraction")),
)
