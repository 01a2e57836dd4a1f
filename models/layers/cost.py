"""What a layer costs, by formula: its parameters, its units, and the arithmetic of one example's forward pass.

One multiplication with its addition is two floating-point operations (FLOPs), and the bias of a unit one more; so
counts XLA. The lectures' "order of FLOPs" is ``multiply_adds``. Multiplications by the zeros of a padding are counted
as the lectures' formula does; XLA leaves them out, and comes out lower where a convolution is padded.
"""

from collections.abc import Sequence
from math import prod
from typing import NamedTuple


class Cost(NamedTuple):
    """Four counts; those of the forward pass are of one example."""

    parameters: int
    units: int
    multiply_adds: int
    flops: int


def dense_cost(inputs: int, outputs: int, *, bias: bool = True) -> Cost:
    """The fully connected layer.

        parameters      S_in · S_out + S_out
        multiply-adds   S_in · S_out
        FLOPs           2 · S_in · S_out + S_out

    Without ``bias`` the last terms are missing. Lecture 003, section 1.2.1.
    """
    biases = outputs if bias else 0
    weights = inputs * outputs
    return Cost(parameters=weights + biases, units=outputs, multiply_adds=weights, flops=2 * weights + biases)


def convolution_cost(
    window: Sequence[int],
    channels: int,
    features: int,
    *,
    positions: Sequence[int],
    groups: int = 1,
    bias: bool = True,
) -> Cost:
    """The convolution with a kernel of ``window``, applied at ``positions``, in any number of spatial dimensions.

        parameters      K_w · K_h · (D_in / G) · D_out + D_out
        units           O_w · O_h · D_out
        multiply-adds   K_w · K_h · (D_in / G) · D_out · O_w · O_h
        FLOPs           2 · multiply-adds + units

    The positions along an axis, O, are ``models.layers.conv.output_size``; G are the ``groups``. Without ``bias`` the
    last terms of parameters and FLOPs are missing. Groups that do not divide channels and features raise
    ``ValueError``. Lecture 003, section 3.1.1; Lecture 001, which counts 34,944 parameters and 290,400 units in
    AlexNet's first layer.
    """
    if groups < 1 or channels % groups or features % groups:
        raise ValueError(f"channels and features must be multiples of groups, got {channels=}, {features=}, {groups=}")
    weights = prod(window) * (channels // groups) * features
    units = prod(positions) * features
    multiply_adds = weights * prod(positions)
    return Cost(
        parameters=weights + (features if bias else 0),
        units=units,
        multiply_adds=multiply_adds,
        flops=2 * multiply_adds + (units if bias else 0),
    )


def depthwise_separable_cost(
    window: Sequence[int], channels: int, features: int, *, positions: Sequence[int], bias: bool = False
) -> Cost:
    """Two convolutions in turn: one window per channel, then 1×1 over all channels.

        parameters      K_w · K_h · D_in + D_in · D_out
        units           (D_in + D_out) · O_w · O_h
        multiply-adds   (K_w · K_h · D_in + D_in · D_out) · O_w · O_h

    The lecture's formula has no biases; with ``bias`` both convolutions have them. Lecture 003, section 3.4.1;
    Howard et al. 2017 (MobileNets), section 3.1: 1/D_out + 1/(K_w · K_h) of the ordinary multiply-adds.
    """
    depthwise = convolution_cost(window, channels, channels, positions=positions, groups=channels, bias=bias)
    pointwise = convolution_cost((1,) * len(window), channels, features, positions=positions, bias=bias)
    return Cost(*(sum(pair) for pair in zip(depthwise, pointwise, strict=True)))


def locally_connected_cost(
    window: Sequence[int], channels: int, features: int, *, positions: Sequence[int], bias: bool = False
) -> Cost:
    """The convolution's arithmetic, with weights and biases of its own at every position.

        parameters      K_w · K_h · D_in · D_out · O_w · O_h + units
        multiply-adds   K_w · K_h · D_in · D_out · O_w · O_h

    Lectures 000 and 001, "Locally-connected layer": AlexNet's first layer would have 105,705,600 parameters.
    """
    shared = convolution_cost(window, channels, features, positions=positions, bias=bias)
    return shared._replace(parameters=shared.multiply_adds + (shared.units if bias else 0))


def transposed_convolution_cost(
    window: Sequence[int], channels: int, features: int, *, positions: Sequence[int], space: Sequence[int]
) -> Cost:
    """The transposed convolution from ``features`` at ``positions`` to ``channels`` on images of size ``space``.

        parameters      K_w · K_h · D_in · D_out
        units           H · W · D_in
        multiply-adds   K_w · K_h · D_in · D_out · O_w · O_h

    They are those of the convolution whose adjoint it is, but for the units. The zeros that ``convolve_transposed``
    puts between its inputs are not counted. Dumoulin & Visin 2016, section 4.
    """
    adjoint = convolution_cost(window, channels, features, positions=positions, bias=False)
    return adjoint._replace(units=prod(space) * channels)


def max_pooling_cost(window: Sequence[int], channels: int, *, positions: Sequence[int]) -> Cost:
    """No parameters and no products: K_w · K_h − 1 comparisons a unit, each a FLOP.

    Lecture 000, "Pooling layer".
    """
    units = prod(positions) * channels
    return Cost(parameters=0, units=units, multiply_adds=0, flops=(prod(window) - 1) * units)
