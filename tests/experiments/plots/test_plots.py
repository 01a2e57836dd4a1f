"""Figures are checked by what stands in them: pixels, ticks, lines and bands; not by having been drawn."""

import io
import statistics
import subprocess
import sys

import matplotlib.image
import numpy as np
import pytest
from legibility import assert_legible
from matplotlib.collections import PolyCollection

from experiments.plots import canvas, curves
from experiments.plots.images import TEXT_PIXELS, image_grid, image_pairs, image_rows, manifold, named_images

WHITE, MAGENTA = [1.0, 1.0, 1.0], [1.0, 0.0, 1.0]
SEEDS = [[9.0, 11.0, 13.0], [5.0, 6.0, 10.0], [4.0, 4.5, 3.0]]


def pixels(figure):
    return matplotlib.image.imread(io.BytesIO(canvas.png(figure)))[..., :3]


def greys(*values, height=4, width=3):
    return np.stack([np.full((height, width, 1), value) for value in values])


def curve_rows(values=SEEDS, split="valid", metric="nll"):
    return [{"step": 100 * (1 + i), "split": split, metric: value} for i, value in enumerate(values)]


def lines(figure):
    return figure.axes[0].lines


def bands(figure):
    return [c for c in figure.axes[0].collections if isinstance(c, PolyCollection)]


def legend(figure):
    return [text.get_text() for text in figure.axes[-1].get_legend().get_texts()]


def test_a_grid_places_image_i_at_row_i_over_columns():
    drawn = pixels(image_grid(greys(0.0, 0.2, 0.4, 0.6, 0.8), columns=2, upscale=5))
    assert drawn.shape == (5 * (3 * 4 + 2), 5 * (2 * 3 + 1), 3)
    for index, value in enumerate((0.0, 0.2, 0.4, 0.6, 0.8)):
        top, left = 25 * (index // 2), 20 * (index % 2)
        np.testing.assert_allclose(drawn[top : top + 20, left : left + 15], value, atol=1 / 255)
    assert (drawn[50:, 20:] == WHITE).all(), "the place after the last image is empty"
    assert (drawn[20:25] == WHITE).all(), "rows are parted by a gap"


def test_an_image_pixel_becomes_a_square_of_its_colour():
    image = np.random.default_rng(0).integers(0, 256, (1, 5, 7, 3)) / 255
    expected = np.kron(image[0], np.ones((6, 6, 1)))
    np.testing.assert_allclose(pixels(image_grid(image, columns=3, upscale=6)), expected, atol=1 / 255)


def test_values_outside_the_range_are_clipped_and_lost_ones_are_magenta():
    image = np.array([[[[-3.0], [4.0], [np.nan], [np.inf]]]])
    figure = image_grid(image, columns=1, upscale=2)
    expected = [[0.0, 0.0, 0.0], WHITE, MAGENTA, MAGENTA]
    assert figure.axes[0].images[0].get_array()[0].tolist() == expected, "nothing is left for matplotlib to clip"
    assert pixels(figure)[0, ::2].tolist() == expected


@pytest.mark.parametrize("shape", [(3, 8, 8), (3, 8, 8, 2), (0, 8, 8, 1), (1, 3, 8, 8, 1)])
def test_what_is_no_stack_of_images_is_refused_with_its_shape(shape):
    with pytest.raises(ValueError, match=str(shape).replace("(", r"\(").replace(")", r"\)")):
        image_grid(np.zeros(shape), columns=2)


def test_a_grid_without_columns_is_refused():
    with pytest.raises(ValueError, match="columns=0"):
        image_grid(greys(0.5), columns=0)


def test_a_title_stands_above_the_images_and_moves_none_of_them():
    figure = image_grid(greys(0.1, 0.9), columns=2, upscale=40, title="costs $4 or $5")
    drawn = pixels(figure)
    assert figure.axes[0].get_title() == r"costs \$4 or \$5", "dollars are dollars, not mathematics"
    assert drawn[:TEXT_PIXELS].min() < 0.3, "the title is drawn"
    np.testing.assert_allclose(drawn[TEXT_PIXELS:, :120], 0.1, atol=1 / 255)


def test_pairs_stand_one_over_the_other_with_their_labels():
    figure = image_pairs(greys(0.0, 0.2, 0.4), greys(0.5, 0.7, 0.9), columns=2, upscale=4)
    drawn = pixels(figure)[:, -4 * 7 :]
    corners = [[round(float(drawn[20 * row, 16 * column, 0]), 1) for column in (0, 1)] for row in range(4)]
    assert corners == [[0.0, 0.2], [0.5, 0.7], [0.4, 1.0], [0.9, 1.0]]
    labels = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert labels == ["original", "reconstruction"] * 2
    assert figure.axes[0].get_yticks().tolist() == [1.5, 6.5, 11.5, 16.5], "each label at the middle of its row"


def test_pairs_of_different_shapes_are_refused():
    with pytest.raises(ValueError, match=r"\(2, 4, 3, 3\) over \(1, 4, 3, 3\)"):
        image_pairs(greys(0.0, 0.1), greys(0.0))


def test_rows_stand_under_one_another_with_their_labels_and_white_where_they_end():
    figure = image_rows({"one": greys(0.0, 0.2, 0.4), "other": greys(0.6)}, upscale=1)
    picture = pixels(figure)[:, 110:]
    assert picture.shape == (4 + 1 + 4, 3 * 3 + 2, 3)
    np.testing.assert_allclose(picture[1, [1, 5, 9], 0], [0, 0.2, 0.4], atol=0.003)
    np.testing.assert_allclose(picture[6, [1, 5, 9], 0], [0.6, 1, 1], atol=0.003)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["one", "other"]


def test_a_row_of_many_images_goes_on_below():
    """Of 31 the last stands under the first, and the next label beside the row after it."""
    figure = image_rows({"many": greys(*[0.0] * 30, 0.4), "other": greys(0.6)}, upscale=1)
    picture = pixels(figure)[:, 110:]
    assert picture.shape == (4 + 1 + 4 + 1 + 4, 30 * 3 + 29, 3)
    np.testing.assert_allclose(picture[[1, 6, 11], 1, 0], [0, 0.4, 0.6], atol=0.003)
    np.testing.assert_allclose(picture[[6, 11], 5, 0], 1)
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["many", "other"]
    assert axes.get_yticks().tolist() == [1.5, 11.5]


def test_rows_of_different_sizes_are_refused():
    with pytest.raises(ValueError, match="rows need images of one size"):
        image_rows({"one": greys(0.5), "other": greys(0.5, width=4)})
    with pytest.raises(ValueError, match="rows need images of one size"):
        image_rows({})


def test_named_images_are_as_large_whether_few_or_many():
    few, many = (named_images(greys(*[0.5] * count), [f"n{i}" for i in range(count)]) for count in (1, 10))
    assert few.get_size_inches().tolist() == many.get_size_inches().tolist()
    with pytest.raises(ValueError, match="a name for each image, got 1 for 2"):
        named_images(greys(0.1, 0.2), ["one"])


def test_a_manifold_has_no_gaps_and_says_the_quantile_of_each_tile():
    images = np.random.default_rng(1).random((2, 4, 3, 5, 1))
    figure = manifold(images, "digits")
    mosaic = np.block([[images[r, c, ..., 0] for c in range(4)] for r in range(2)])
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array()[..., 0], mosaic)
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["0.25", "0.75"]
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == ["0.12", "0.38", "0.62", "0.88"]
    assert figure.axes[0].get_xticks().tolist() == [2.0, 7.0, 12.0, 17.0]
    assert figure.axes[0].get_ylabel() == "quantile of the first latent", "down"
    assert figure.axes[0].get_xlabel() == "quantile of the second latent", "across"


def test_a_manifold_takes_its_own_quantiles_and_counts_them():
    images = np.zeros((1, 2, 3, 3, 1))
    figure = manifold(images, quantiles=([0.5], [0.05, 0.95]))
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == ["0.05", "0.95"]
    with pytest.raises(ValueError, match="for each row and column, got 2 × 1 for 1 × 2"):
        manifold(images, quantiles=([0.1, 0.9], [0.5]))


def test_the_band_is_one_sample_standard_deviation_around_the_mean():
    figure = curves.run_curves(curve_rows(), "nll", unit="nats")
    means = [statistics.fmean(values) for values in SEEDS]
    np.testing.assert_allclose(lines(figure)[0].get_xydata(), np.transpose([[100, 200, 300], means]))
    corners = bands(figure)[0].get_paths()[0].vertices
    for step, values, mean in zip((100, 200, 300), SEEDS, means, strict=True):
        edges = corners[corners[:, 0] == step, 1]
        assert edges.min() == pytest.approx(mean - statistics.stdev(values))
        assert edges.max() == pytest.approx(mean + statistics.stdev(values))
    assert (figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()) == ("step", "nll (nats)")


def test_one_seed_has_a_line_and_no_band():
    figure = curves.run_curves(curve_rows([3.0, [2.0], 1.0]), "nll")
    assert lines(figure)[0].get_ydata().tolist() == [3.0, 2.0, 1.0]
    assert bands(figure) == []


def test_train_is_thin_and_pale_beside_valid_but_strong_alone():
    both = curves.run_curves(curve_rows(split="train") + curve_rows() + curve_rows(split="test"), "nll")
    train, valid = lines(both)
    assert legend(both) == ["train", "valid"]
    assert train.get_linewidth() < valid.get_linewidth()
    assert train.get_alpha() < valid.get_alpha()
    alone = curves.run_curves(curve_rows(split="train"), "nll")
    assert lines(alone)[0].get_linewidth() == valid.get_linewidth()


def test_a_step_at_which_a_seed_is_lost_is_a_gap():
    figure = curves.run_curves(curve_rows([[1.0, 2.0], [1.0, None], [3.0, 5.0]]), "nll")
    np.testing.assert_array_equal(lines(figure)[0].get_ydata(), [1.5, np.nan, 4.0])
    single = curves.run_curves(curve_rows([1.0, None, 3.0]), "nll")
    np.testing.assert_array_equal(lines(single)[0].get_ydata(), [1.0, np.nan, 3.0])


def test_what_falls_by_orders_of_magnitude_is_drawn_to_a_logarithmic_scale():
    scale = {
        values: curves.run_curves(curve_rows(list(values)), "nll").axes[0].get_yscale()
        for values in [(70.0, 0.2, 0.001), (70.0, None, 0.001), (70.0, 0.2, 0.1), (70.0, 0.2, 0.0), (70.0, 0.2, -1.0)]
    }
    assert list(scale.values()) == ["log", "log", "linear", "linear", "linear"]
    apart = curves.run_curves(curve_rows([[70.0, 80.0], [0.2, 0.3], [0.001, 0.05]]), "nll")  # a band that reaches 0
    low, high = apart.axes[0].get_ylim()
    assert 0.01 < low < 0.0255
    assert 75 < high < 200


def test_lines_come_in_any_order_and_a_step_counts_as_last_written():
    rows = [*curve_rows([1.0, 2.0, 3.0])[::-1], {"step": 200, "split": "valid", "nll": 9.0}]
    assert lines(curves.run_curves(rows, "nll"))[0].get_ydata().tolist() == [1.0, 9.0, 3.0]


def test_a_metric_that_training_has_not_stands_over_the_training_losses():
    train = [{"step": step, "split": "train", "a/loss": 1.0, "stage_loss": 2.0, "kl": 3.0} for step in (1, 2)]
    figure = curves.run_curves([*train, *curve_rows()], "nll", unit="nats")
    above, below = figure.axes
    assert [line.get_label() for line in above.lines] == ["valid"]
    assert [line.get_label() for line in below.lines] == ["a/loss", "stage_loss"]
    assert (above.get_ylabel(), below.get_ylabel(), below.get_xlabel()) == ("nll (nats)", "training loss", "step")
    assert len(curves.run_curves([*curve_rows(split="train"), *curve_rows()], "nll").axes) == 1


def test_one_point_is_no_curve():
    assert curves.run_curves(curve_rows()[:1], "nll") is None
    assert curves.run_curves([], "nll") is None


def losses(names):
    """Rows of training losses of these names, and a metric that is measured elsewhere."""
    train = [row for name in names for row in curve_rows(split="train", metric=name)]
    return curves.run_curves([*train, *curve_rows()], "nll")


def test_losses_are_told_apart_by_colour_line_and_name():
    names = [f"{index}/loss" for index in range(9)]
    figure = losses(names)
    assert legend(figure) == names
    assert len({(line.get_color(), line.get_linestyle()) for line in figure.axes[-1].lines}) == 9


def test_names_are_drawn_letter_for_letter():
    figure = losses(["_hidden/loss", "$x^/loss", "a $\\frac$ b/loss", "long/" * 20 + "loss"])
    canvas.png(figure)
    assert [text.strip() for text in legend(figure)][:2] == ["_hidden/loss", r"\$x^/loss"]
    assert legend(figure)[3].startswith("…")
    assert legend(figure)[3].endswith("long/loss")


def test_a_name_in_letters_that_the_font_lacks_warns_of_nothing():
    figure, axes = canvas.canvas("街道")
    axes.plot([0, 1], label="犬")
    axes.legend()
    canvas.png(figure)


def test_another_number_of_seeds_within_a_split_is_refused():
    with pytest.raises(ValueError, match="seeds"):
        curves.run_curves(curve_rows([1.0, [1.0, 2.0]]), "nll")


def test_text_is_legible_at_600_pixels():
    figure = curves.run_curves(curve_rows(), "nll")
    assert pixels(figure).shape[1] >= 600
    smallest = min(
        text.get_fontsize() for text in (*figure.axes[0].get_xticklabels(), *figure.axes[0].get_legend().get_texts())
    )
    assert smallest / 72 * 600 / figure.get_figwidth() >= 11, "eleven pixels at the least"


def test_a_saved_figure_is_the_same_png_every_time(tmp_path):
    for name in ("one", "two"):
        canvas.save(curves.run_curves(curve_rows(), "nll"), tmp_path / name / "curve.png")
    first, second = ((tmp_path / name / "curve.png").read_bytes() for name in ("one", "two"))
    assert first.startswith(b"\x89PNG\r\n\x1a\n")
    assert first == second


def test_a_saved_figure_shows_what_matplotlib_itself_would_save(tmp_path):
    one, other = (
        curves.run_curves(curve_rows(), "nll") for _ in range(2)
    )  # a layout that is made twice moves a little
    expected = io.BytesIO()
    canvas.save(one, tmp_path / "curve.png")
    other.savefig(expected, format="png", dpi=other.dpi)
    theirs, ours = (matplotlib.image.imread(each) for each in (io.BytesIO(expected.getvalue()), tmp_path / "curve.png"))
    np.testing.assert_array_equal(ours, theirs[..., :3])
    assert (theirs[..., 3] == 1).all()


def test_importing_is_light_and_drawing_leaves_no_global_state():
    code = """if True:
        import sys
        import experiments.report.page
        heavy = {"jax", "matplotlib", "rich"} & set(sys.modules)
        assert not heavy, heavy
        from experiments.plots import canvas
        from experiments.plots.images import image_grid
        canvas.png(image_grid([[[[0.5]]]], columns=1))
        assert "matplotlib.pyplot" not in sys.modules
    """
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize("low", [1e-37, 3.3e-4, 0.145, 0.98, 7.0, 1234.5])
@pytest.mark.parametrize("times", [1.05, 1.5, 4.0, 9.9, 10.1, 60.0, 1e3, 1e9, 1e30])
def test_a_logarithmic_axis_has_a_few_round_numbers(low, times):
    numbers = canvas.round_numbers(low, low * times)
    assert 1 <= len(numbers) <= 7
    assert low <= min(numbers)
    assert max(numbers) <= low * times
    assert all(float(f"{number:.3g}") == pytest.approx(number) for number in numbers)
    if times >= 1.5:
        assert len(numbers) >= 2


@pytest.mark.parametrize("limits", [(0.14, 0.22), (0.03, 0.2), (1e-6, 0.4), (0.8, 40.0), (5e-38, 2.0), (300, 9e9)])
def test_numbers_at_logarithmic_axes_do_not_run_into_each_other(limits):
    figure, axes = canvas.canvas("title")
    axes.plot(limits, limits)
    axes.set(xscale="log", yscale="log", xlim=limits, ylim=limits)
    for axis in (axes.xaxis, axes.yaxis):
        canvas.log_ticks(axis)
    assert_legible(figure)


def test_figures_that_cannot_be_read_are_told():
    """Matplotlib's own ticks within a decade: of a wide axis they collide, of minor ones switched off none is left."""
    figure, axes = canvas.canvas("title")
    axes.set(xscale="log", xlim=(0.141, 0.223))
    axes.tick_params(labelsize=16, which="both")
    with pytest.raises(AssertionError, match="collide"):
        assert_legible(figure)
    axes.minorticks_off()
    with pytest.raises(AssertionError, match="nothing is written along x"):
        assert_legible(figure)
    with pytest.raises(AssertionError, match="cut off"):
        assert_legible(canvas.canvas("a title that is much wider than its figure" * 4)[0])


def test_the_margin_has_room_for_the_longest_label():
    rows = {"first": greys(0.5), "with a label of thirty-eight letters, and more": greys(0.2)}
    assert_legible(image_rows(rows))
