"""Filters: what each layer of a convolutional network does to a picture, and what it learns of known filters.

Papers: LeCun et al. 1998 (convolution, pooling); Dumoulin & Visin 2016 (strides, padding, transposed convolution);
Howard et al. 2017 (depthwise-separable); Yu & Koltun 2016 (dilated); Zeiler et al. 2010 (transposed). Claim: from white
noise and what a known filter makes of it, descent finds the layer that is nearest to the filter, which is known in
closed form. A layer that can be the filter becomes it; one that cannot is left with exactly the error of its kind: the
variance of a maximum (0.242), the weights outside its window, the change of the kernel over the image, the singular
values that a product of two kernels lacks, the part of an image that a smaller one has lost (¾). Command: ``lectern run
filters`` (30 s on two CPU cores). Expected figure: ``errors``, every point on its line.
"""

from experiments.run.card import Card

CARD = Card(
    systems=("C1", "C2", "C3", "C4", "C5", "C6", "C7"),
    smoke=dict(batch_size=16, schedule="constant", lessons=("convolution", "strided_of_max", "separable")),
)
