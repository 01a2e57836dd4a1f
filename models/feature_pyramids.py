"""Four ways in which a detector sees objects of all sizes: by several images, one map, several maps, or a pyramid."""

from collections.abc import Sequence

from flax import linen as nn
from jaxtyping import Array, Float

from models.denoisers import GroupNorm
from models.feature_maps import show
from models.layers.conv import flax_convolution
from models.layers.initializers import gaussian
from models.layers.pyramid import image_at_scale, top_down
from models.segmentation import conv
from models.yolo import objectness_bias

FINEST = 2
"""Level of the first stage, whose cells have 2² pixels a side."""
OUTPUT = gaussian(0.01)


class Unit(nn.Module):
    """3×3 convolution → group normalisation → ReLU."""

    features: int
    stride: int = 1

    @nn.compact
    def __call__(
        self, features: Float[Array, "batch height width channels"]
    ) -> Float[Array, "batch rows columns features"]:
        return show(self, nn.relu(GroupNorm()(conv(self.features, strides=self.stride)(features))))


class Trunk(nn.Module):
    """A convolution of stride 2, and one a stage: the map of each stage, the finest first."""

    widths: Sequence[int]
    """features of the first convolution and of each stage"""
    strides: Sequence[int]
    """of each stage"""

    @nn.compact
    def __call__(self, images: Float[Array, "batch height width channels"]) -> list[Float[Array, "batch _ _ _"]]:
        hidden, maps = Unit(self.widths[0], 2, name="stem")(images), []
        for stage, (width, stride) in enumerate(zip(self.widths[1:], self.strides, strict=True), 1):
            hidden = Unit(width, stride, name=f"stage{stage}")(hidden)
            maps.append(hidden)
        return maps


class Head(nn.Module):
    """What a cell's features say: [rows, columns, anchors, 5 + classes], as ``models.yolo.YOLOv3`` has it."""

    classes: int
    anchors: int
    features: int
    prior: float
    """objectness of every slot at the start"""

    @nn.compact
    def __call__(
        self, features: Float[Array, "batch rows columns channels"]
    ) -> Float[Array, "batch rows columns anchors numbers"]:
        said = nn.Conv(
            self.anchors * (5 + self.classes),
            (1, 1),
            kernel_init=OUTPUT,
            bias_init=objectness_bias(self.prior, self.anchors),
            conv_general_dilated=flax_convolution,
            name="output",
        )(Unit(self.features, name="hidden")(features))
        return said.reshape(*said.shape[:-1], self.anchors, -1)


class SingleMap(nn.Module):
    """Features of the trunk's last stage alone, whose cells are those of the stage before.

    The last stage keeps its sides, so that cells have the middle size of those of a pyramid (as Faster R-CNN's single
    map has, beside which Lin et al. set theirs). Lin et al. 2017, figure 1 (b). Lecture 003, "Single feature map".
    """

    classes: int
    widths: Sequence[int]
    features: int
    anchors: int
    prior: float = 0.01

    @nn.compact
    def __call__(
        self, images: Float[Array, "batch height width channels"]
    ) -> tuple[Float[Array, "batch rows columns anchors numbers"]]:
        strides = (2,) * (len(self.widths) - 2) + (1,)
        last = Trunk(self.widths, strides, name="trunk")(images)[-1]
        lateral = conv(self.features, size=1, name="lateral")(last)
        seen = Unit(self.features, name="smoothed")(lateral)
        return (Head(self.classes, self.anchors, self.features, self.prior, name="head")(seen),)


class ImagePyramid(nn.Module):
    """The single map of each of several images: the picture itself, and smaller and larger ones, by the same weights.

    An object is found in the image in which it has the middle size. The coarsest map, of the smallest image, is first.
    Lin et al. 2017, figure 1 (a). Lecture 003, "Featurized image pyramid".
    """

    classes: int
    widths: Sequence[int]
    features: int
    prior: float = 0.01

    @nn.compact
    def __call__(
        self, images: Float[Array, "batch height width channels"]
    ) -> tuple[Float[Array, "batch _ _ 1 numbers"], ...]:
        single = SingleMap(self.classes, self.widths, self.features, 1, self.prior, name="single")
        stages = len(self.widths) - 1
        octaves = range(2 - stages, 2)
        return tuple(single(image_at_scale(images, octave=octave))[0] for octave in octaves)


class StagePyramid(nn.Module):
    """The map of every stage speaks, by one head for all; the coarsest is first.

    Each map has a 1×1 convolution to as many features, and before the head a 3×3 convolution. With ``merged`` coarser
    maps are added to finer ones in between: a feature pyramid network (figure 1 (d) and 3). Without, it is a pyramidal
    feature hierarchy (figure 1 (c); Liu et al. 2016, SSD). Lin et al. 2017, section 3. Lecture 003, "Pyramidal feature
    hierarchy" and "Feature Pyramid Network".
    """

    classes: int
    widths: Sequence[int]
    features: int
    merged: bool
    prior: float = 0.01

    @nn.compact
    def __call__(
        self, images: Float[Array, "batch height width channels"]
    ) -> tuple[Float[Array, "batch _ _ 1 numbers"], ...]:
        stages = len(self.widths) - 1
        maps = Trunk(self.widths, (2,) * stages, name="trunk")(images)
        laterals = [conv(self.features, size=1, name=f"lateral{i}")(each) for i, each in enumerate(maps, FINEST)]
        joined = top_down(laterals) if self.merged else laterals
        head = Head(self.classes, 1, self.features, self.prior, name="head")
        smoothed = [Unit(self.features, name=f"smoothed{i}")(each) for i, each in enumerate(joined, FINEST)]
        return tuple(head(each) for each in reversed(smoothed))
