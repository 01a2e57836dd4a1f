"""Activation maximisation: what each unit of a net is for, and what each of its layers keeps of an image.

Papers: Erhan et al. 2009 (ascent in the image), Simonyan et al. 2014 (squared norm, classes before the softmax),
Yosinski et al. 2015 (blur), Mordvintsev et al. 2015 (jitter), Mahendran & Vedaldi 2015 (total variation; inversion of
features). Claim: an image that is made by ascent excites a unit far beyond any image that the net has learnt from,
whatever it shows; with regularisers it is smoother, lies nearer to such images, and excites the unit less. An image is
found again from the first layers of the net but not from the last, where many images look alike. Command: ``lectern run
activation_maximization`` (the LeNet-5 that comes with the package, 20 s on two CPU cores), ``--preset patches`` for a
net of colours (a minute); another net with ``--classifier WORKDIR``, as a run of ``architectures --from
vgg16.safetensors``. Expected figures: ``wall``, what each unit of each layer wants; ``regularizers``; ``inverted``;
``inversion_errors``, by depth.
"""

from experiments.run.card import Card

CARD = Card(
    systems=("V1", "V2"),
    smoke=dict(units=2, ways=("none", "together"), layers=("conv1", "fc5"), invert=2, inverted_layers=("relu1", "fc5")),
    presets=dict(
        patches=dict(
            data="patches",
            ways=("none", "together"),
            units=12,
            invert=6,
            inverted_layers=("conv1", "relu1", "pool1", "relu2", "pool2", "relu3", "pool3", "fc4"),
            norm=0.003,
            variation=0.01,
            jitter=4,
            blur=0.7,
            inversion_variation=3e-5,
            steps=250,
        ),
    ),
)
