"""Pictures of what pre-training changes."""

from typing import TYPE_CHECKING

from jaxtyping import Array, Float

from experiments.plots.filters import filter_images
from experiments.plots.images import image_pairs

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def filters_of_both(
    pretrained: Float[Array, "visible units"], random: Float[Array, "visible units"], shape: tuple[int, ...]
) -> "Figure":
    """First-layer weights of both nets after the fine-tuning, the 32 units of largest norm of each."""
    shown = min(32, pretrained.shape[1])
    both = [filter_images(kernel, shape)[:shown] for kernel in (pretrained, random)]
    title = "first hidden layers after fine-tuning"
    return image_pairs(*both, columns=16, labels=("pre-trained", "random"), title=title)
