"""How far a unit of a convolutional network sees."""

from collections.abc import Sequence


def receptive_field(
    windows: Sequence[int], *, strides: Sequence[int] | None = None, dilations: Sequence[int] | None = None
) -> int:
    """The pixels along one axis of the image on which one unit of the last of several layers depends.

        1 + Σ_l d_l (k_l − 1) Π_{m<l} s_m

    Of convolutions and pooling with windows k, strides s and dilations d (all 1 by default), the first layer first.
    Without dilation it grows by the same number with every layer; dilations 1, 2, 4, … make it grow with their powers,
    at the same number of parameters. ``ValueError`` where the lengths differ.

    Araujo et al. 2019, equation 2; Yu & Koltun 2016. Lecture 003, section 3.7.
    """
    strides, dilations = (values or [1] * len(windows) for values in (strides, dilations))
    if not len(windows) == len(strides) == len(dilations):
        raise ValueError(f"{len(windows)} windows need as many strides and dilations, got {strides} and {dilations}")
    field, step = 1, 1
    for window, stride, dilation in zip(windows, strides, dilations, strict=True):
        field += dilation * (window - 1) * step
        step *= stride
    return field
