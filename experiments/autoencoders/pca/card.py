"""Principal component analysis: the closed form that a linear autoencoder is held against.

Papers: Pearson 1901; Hotelling 1933. Claim: k components reconstruct with the least squared error of all linear codes
of k numbers, and that error is the variance of the components left out; codes drawn from a Gaussian, or averaged over a
class, give new images. Command: ``lectern run pca`` (digits, 5 s on two CPU cores). Expected figure:
``reconstructions``, which sharpen with the number of components.
"""

from experiments.run.card import Card, Reference

CARD = Card(
    systems=("A1",),
    samples=True,
    smoke=dict(steps=1, chunk=1, evaluate_every=1, save_every=1),
    presets=dict(mnist=dict(data="mnist", components=30)),
    references=(
        Reference(
            "squared_error",
            13.87,
            "",
            cite="hinton2006reducing",
            where="caption of figure 2B",
            read="secondary",
            protocol="MNIST, 30 components, the squared error of a test image; fitted on 50,000 images here, on 60,000 "
            "the same to two digits",
            preset="mnist",
        ),
    ),
)
