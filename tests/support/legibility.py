"""What a reader needs of a figure: numbers at its axes that do not run into each other, and no text that is cut off."""

from itertools import pairwise

from matplotlib.text import Text
from matplotlib.ticker import FixedLocator, NullLocator


def assert_legible(figure, name=""):
    """Draws the figure, and looks where its texts lie."""
    figure.draw_without_rendering()
    for axes in figure.axes:
        for side in "xy":
            boxes = [text.get_window_extent() for text in tick_labels(axes, side)]
            assert not any(one.overlaps(other) for one, other in pairwise(boxes)), f"{name}: tick labels collide"
            together = getattr(axes, f"get_shared_{side}_axes")().get_siblings(axes)
            written = any(tick_labels(each, side) for each in together)
            assert written or is_bare(axes, side) or not axes.get_visible(), f"{name}: nothing is written along {side}"
    cut_off = {text.get_text() for text in texts_of(figure) if not lies_in(text, figure)}
    assert not cut_off, f"{name}: cut off"


def is_bare(axes, side):
    """Whether ticks were taken away, as from images."""
    return isinstance(getattr(axes, f"{side}axis").get_major_locator(), FixedLocator | NullLocator)


def ticks_of(axes, side):
    """The ticks that lie within the limits."""
    axis = getattr(axes, f"{side}axis")
    low, high = sorted(axis.get_view_interval())
    return [tick for tick in axis.get_major_ticks() + axis.get_minor_ticks() if low <= tick.get_loc() <= high]


def tick_labels(axes, side):
    """What is written at them, in its order."""
    labels = [label for tick in ticks_of(axes, side) for label in (tick.label1, tick.label2) if is_shown(label)]
    return sorted(labels, key=lambda label: label.get_window_extent().bounds["xy".index(side)])


def texts_of(figure):
    """All that is written in a figure, of tick labels only those within the limits."""
    both = [axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)]
    of_axes = {text for axis in both for text in axis.findobj(Text)} - {axis.label for axis in both}
    within = {label for axes in figure.axes for side in "xy" for label in tick_labels(axes, side)}
    return [text for text in figure.findobj(Text) if is_shown(text) and (text not in of_axes or text in within)]


def is_shown(text):
    return bool(text.get_text().strip()) and text.get_visible()


def lies_in(text, figure):
    """But for a pixel."""
    box, frame = text.get_window_extent(), figure.bbox.padded(1)
    return frame.x0 <= box.x0 and frame.y0 <= box.y0 and box.x1 <= frame.x1 and box.y1 <= frame.y1
