"""Style transfer: a picture is painted until a network sees one picture's content and another's style in it.

Paper: Gatys et al. 2016; Lecture 003, "Style transfer". Claim: by the feature maps of a VGG, even one of random weights
(He et al. 2016, "A powerful generative model using random weights for the deep image representation"), content and
style come apart, and descent in the values of a picture that begins as noise lowers the loss more than tenfold
(11.3, 11.3 and 11.4 times with seeds 0 to 2). Random weights keep the content at early layers only, so it is asked for
at 2_1 instead of the paper's 4_2. Command: ``lectern run style_transfer`` (scikit-learn's photographs, half a minute on
two CPU cores); ``--content a.png --style b.jpg`` for your own, ``--preset gatys2016 --weights vgg19.safetensors`` for
torchvision's weights and the paper's layers; descent is by Adam instead of L-BFGS. Expected figures: ``pictures``,
``trade_off``. The paper prints pictures and no numbers.
"""

from experiments.run.card import Card

CARD = Card(
    systems=("V5",),
    smoke=dict(
        size=8,
        vgg="11",
        feature_widths=(2, 2, 2, 2, 2),
        style_layers=("1_1", "2_1"),
        painted=("noise", "content"),
    ),
    presets=dict(
        gatys2016=dict(
            size=512,
            feature_widths=(64, 128, 256, 512, 512),
            content_layers=("4_2",),
            style_weight=1000.0,
            variation_weight=0.0,
            painted=("noise",),
            steps=1000,
        ),
    ),
)
