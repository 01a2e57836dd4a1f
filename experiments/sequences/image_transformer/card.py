"""Image transformer: an image as a sequence of patches, named by an encoder with a token for the answer.

Paper: Dosovitskiy et al. 2021. Claim: attention alone learns from 1,297 digits which patches decide, without a
convolution; positions are learnt too. Command: ``lectern run image_transformer`` (scikit-learn's digits, patches of
2×2, 1 minute on two CPU cores), ``--data mnist --data-dir MNIST --patch 4``. Expected figures: ``attention``, what the
answer looks at; ``confusion``.
"""

from experiments.run.card import Card

CARD = Card(systems=("S13",), smoke=dict(batch_size=8, depth=1, heads=1, width=8, patch=4))
