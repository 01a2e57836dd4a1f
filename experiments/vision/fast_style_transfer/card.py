"""Fast style transfer: a network learns to repaint any picture in one style in one pass.

Papers: Johnson et al. 2016 (the network and its perceptual loss), Ulyanov et al. 2016 (instance normalisation); Lecture
003, "Style transfer". Claim: on a part of a photograph that it has not learnt from, one pass reaches the loss that
descent in a picture's own values takes 4 to 28 steps to where there is something to see, and more than a hundred on
plain sky (seeds 0 and 1). Johnson et al. find it as good as 50 to 100 steps of L-BFGS in their figure 5 (from memory,
as are the settings of preset ``johnson2016``), on COCO with a trained VGG, which takes data and weights and cannot be
repeated offline: add ``--photographs FOLDER --weights vgg16.safetensors``. Command: ``lectern run
fast_style_transfer`` (scikit-learn's photographs, 1 minute on two CPU cores), then ``lectern sample WORKDIR --count 1
--picture FILE`` for a picture of any size. Expected figures: ``crops``, ``descent``, ``whole``.
"""

from experiments.run.card import Card

CARD = Card(
    systems=("V6",),
    samples=True,
    smoke=dict(
        crop_size=8,
        crops=12,
        held_out=3,
        batch_size=2,
        style_size=12,
        vgg="11",
        feature_widths=(2, 2, 2, 2, 2),
        content_layers=("1_1",),
        style_layers=("1_1",),
        widths=(2, 2),
        blocks=1,
        compared=2,
        descent_steps=3,
    ),
    presets=dict(
        unnormalized=dict(normalization="none", learning_rate=1e-3),
        johnson2016=dict(
            crop_size=256,
            style_size=256,
            vgg="16",
            feature_widths=(64, 128, 256, 512, 512),
            pooling="max",
            content_layers=("3_3",),
            style_layers=("1_2", "2_2", "3_3", "4_3"),
            style_weight=5.0,
            widths=(32, 64, 128),
            blocks=5,
            steps=40_000,
            learning_rate=1e-3,
            schedule="constant",
        ),
    ),
)
