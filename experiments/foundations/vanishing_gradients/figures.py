"""The gradient on its way back through a deep perceptron: measured, and drawn."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, Key
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.numerals import quantity
from experiments.plots.canvas import PALETTE, light_grid, log_ticks
from models.deep_mlp import DeepMLP
from train.task import Batch
from train.trainable import Params

cross_entropy = optax.softmax_cross_entropy_with_integer_labels
SMALLEST = 1e-37  # nearly the smallest number of float32
STYLES = tuple(
    {"color": colour, "marker": marker, "linestyle": line, "markersize": 4}
    for colour, marker, line in zip(PALETTE, "osD^", ("-", "-", "--", "-"), strict=False)
)
DPI = 150

FAMILIES = {
    "activations": {
        "sigmoid": {"activation": "sigmoid", "initialization": "orthogonal"},
        "tanh": {"activation": "tanh", "initialization": "orthogonal"},
        "ReLU": {"activation": "relu", "initialization": "orthogonal"},
    },
    "initialization": {
        "N(0, 0.25²)": {"activation": "relu", "initialization": "large"},
        "He": {"activation": "relu", "initialization": "he"},
        "Glorot": {"activation": "relu", "initialization": "glorot"},
        "N(0, 0.1²)": {"activation": "relu", "initialization": "small"},
    },
    "remedies": {
        "plain": {"activation": "sigmoid", "initialization": "glorot"},
        "residual": {"activation": "sigmoid", "initialization": "glorot", "residual": True},
        "normalised": {"activation": "sigmoid", "initialization": "glorot", "normalization": True},
        "both": {"activation": "sigmoid", "initialization": "glorot", "residual": True, "normalization": True},
    },
}
"""The untrained nets that are compared: options of DeepMLP by figure and label."""
COMPARED = {
    "activations": "activations, orthogonal weights",
    "initialization": "initial weights of ReLU layers",
    "remedies": "remedies for sigmoid layers",
}


def delta_norms(loss: Callable[[Params], Float[Array, ""]], params: Params, *, depth: int) -> Float[Array, " {depth}"]:
    """‖δ_l‖ = ‖∂L/∂z_l‖ for the layers l = 1 … depth of a ``DeepMLP``, L being the loss of one example.

    z_l = W_l h + b_l is what the layer gives its activation, so δ_l is the gradient in the bias b_l.
    """
    gradient = jax.grad(loss)(params)["params"]
    return jnp.stack([_norm(gradient[f"layer_{number}"]["bias"]) for number in range(1, depth + 1)])


def _norm(vector: Float[Array, " units"]) -> Float[Array, ""]:
    """The Euclidean norm, also where float32 is too coarse for the squares."""
    largest = jnp.maximum(jnp.max(jnp.abs(vector)), SMALLEST)
    return largest * jnp.sqrt(jnp.sum((vector / largest) ** 2))


def example_norms(
    net: DeepMLP, params: Params, image: Float[Array, "height width channels"], label: Int[Array, ""]
) -> Float[Array, " layers"]:
    """``delta_norms`` of the cross-entropy of one image."""
    return delta_norms(lambda given: cross_entropy(net.apply(given, image)["logits"], label), params, depth=net.depth)


def log_ratios(net: DeepMLP, params: Params, examples: Batch) -> Float[Array, " examples"]:
    """log₁₀ of the first layer's norm over the last one's: −3 where a thousandth of the gradient arrives."""
    norms = jax.vmap(partial(example_norms, net, params))(examples["image"], examples["label"])
    logarithms = jnp.log10(jnp.maximum(norms, SMALLEST))
    return logarithms[:, 0] - logarithms[:, -1]


def untrained_norms(
    net: DeepMLP, depths: Sequence[int], examples: Batch, keys: Key[Array, " draws"]
) -> dict[int, Float[np.ndarray, " layers"]]:
    """By depth, the root mean square of ``example_norms`` over the examples and over initial weights, a set a key.

    A net of fewer layers has the first ones of the deepest. No net is compiled: that would take longer than computing.
    """
    deepest, shape = net.clone(depth=max(depths)), jax.ShapeDtypeStruct(examples["image"].shape, jnp.float32)
    params = jax.tree.map(lambda *leaves: jnp.stack(leaves), *(deepest.lazy_init(key, shape) for key in keys))

    def of_every_draw(net: DeepMLP) -> Float[Array, "draws examples layers"]:
        of_examples = jax.vmap(partial(example_norms, net), (None, 0, 0))
        return jax.vmap(of_examples, (0, None, None))(params, examples["image"], examples["label"])

    norms = {depth: of_every_draw(net.clone(depth=depth)) for depth in depths}
    return {depth: np.sqrt(np.mean(np.asarray(of, np.float64) ** 2, axis=(0, 1))) for depth, of in norms.items()}


def untrained_figures(
    net_of: Callable[..., DeepMLP],
    families: Mapping[str, Mapping[str, Mapping]],
    depth: int,
    depths: Sequence[int],
    examples: Batch,
    keys: Key[Array, " draws"],
) -> dict[str, Figure]:
    """The gradient in the nets of some of the ``FAMILIES``, each ``net_of(**options)``: for each family by layer in
    nets of ``depth`` layers, and for all of them by depth.
    """
    norms = {
        family: {
            label: untrained_norms(net_of(**options), sorted({depth, *depths}), examples, keys)
            for label, options in nets.items()
        }
        for family, nets in families.items()
    }
    drawn = {"depth": by_depth({COMPARED[family]: nets for family, nets in norms.items()})}
    for family, nets in norms.items():
        title = f"Gradient by layer, before training: {COMPARED[family]}"
        here = {label: by_depth[depth] for label, by_depth in nets.items()}
        drawn[family] = by_layer(here, title=title, bounded=family == "activations")
    return drawn


def descend(
    net: DeepMLP,
    params: Params,
    batches: Batch,
    optimizer: optax.GradientTransformation,
    clip_norms: Float[Array, " trainings"],
) -> tuple[Float[Array, "trainings steps"], Float[Array, "trainings steps"]]:
    """The norms of the gradient before and after clipping, at every step of trainings on ``batches`` [steps, …].

    Each begins with ``params`` and clips to one of ``clip_norms``.
    """

    def loss(params: Params, batch: Batch) -> Float[Array, ""]:
        return jnp.mean(cross_entropy(net.apply(params, batch["image"])["logits"], batch["label"]))

    def training(clip_norm: Float[Array, ""]) -> tuple[Float[Array, " steps"], Float[Array, " steps"]]:
        clip = optax.clip_by_global_norm(clip_norm)

        def step(state: tuple, batch: Batch) -> tuple[tuple, tuple]:
            params, opt_state = state
            gradient = jax.grad(loss)(params, batch)
            clipped, _ = clip.update(gradient, clip.init(params))
            updates, opt_state = optimizer.update(clipped, opt_state, params)
            norms = optax.tree.norm(gradient), optax.tree.norm(clipped)
            return (optax.apply_updates(params, updates), opt_state), norms

        return jax.lax.scan(step, (params, optimizer.init(params)), batches)[1]

    return jax.jit(partial(jax.lax.map, training))(clip_norms)


def by_layer(norms: Mapping[str, Float[np.ndarray, " layers"]], *, title: str, bounded: bool = False) -> Figure:
    """Each net's norms relative to its last layer's, which stands at the left, for the gradient goes from there.

    ``bounded`` draws 4^−(L−l) beside them, which sigmoids stay below while no weight matrix stretches a vector.
    """
    figure, axes = _canvas(title)
    depth = len(next(iter(norms.values())))
    layers = np.arange(1, depth + 1)
    for (label, values), style in zip(norms.items(), STYLES, strict=False):
        axes.plot(layers, values / values[-1], **style, label=label)
    _name_ends(axes)
    if bounded:
        bound = 0.25 ** (depth - layers)
        axes.plot(layers, bound, color="black", linestyle="--", linewidth=1.2)
        middle = depth // 2
        axes.annotate(
            "bound for the sigmoid:\na quarter a layer",
            (layers[middle], bound[middle]),
            xytext=(-16, -16),
            textcoords="offset points",
            ha="right",
            va="top",
            fontsize=9,
        )
    axes.set_xlim(depth + 0.5, 0.5)
    axes.set_xticks(sorted({1, depth, *range(5, depth, 5)}))
    axes.set_xlabel(f"layer $l$, from the last one ({depth}) back to the first")
    axes.set_ylabel("$\\|\\partial L/\\partial z_l\\|$ relative to the last layer")
    log_ticks(axes.yaxis)
    return figure


def by_depth(families: Mapping[str, Mapping[str, Mapping[int, Float[np.ndarray, " _"]]]]) -> Figure:
    """First layer's norm over the last one's, by depth: a panel a family, a line a net of {depth: norms}."""
    figure = Figure(figsize=(3.5 * len(families), 4.2), dpi=DPI, layout="constrained")
    panels = figure.subplots(1, len(families), sharey=True, squeeze=False)[0]
    for axes, (title, nets) in zip(panels, families.items(), strict=True):
        _style(axes, title)
        for (label, norms), style in zip(nets.items(), STYLES, strict=False):
            axes.plot(list(norms), [each[0] / each[-1] for each in norms.values()], **style, label=label)
        axes.legend(loc="lower left", frameon=False, fontsize=9)
        axes.set_xlabel("hidden layers $L$")
        axes.xaxis.get_major_locator().set_params(integer=True)
    log_ticks(panels[0].yaxis)
    panels[0].set_ylabel("$\\|\\partial L/\\partial z_1\\| \\;/\\; \\|\\partial L/\\partial z_L\\|$")
    return figure


def clipping(
    net: DeepMLP, batches: Batch, optimizer: optax.GradientTransformation, clip_norm: float, key: Key[Array, ""]
) -> Figure:
    """The norm of the gradient over two trainings from the same weights, with clipping and without."""
    params = net.init(key, batches["image"][0])
    norms = descend(net, params, batches, optimizer, jnp.asarray([clip_norm, jnp.inf]))
    (before, free), (after, _) = jax.tree.map(np.asarray, norms)
    figure, axes = _canvas("Norm of the gradient, of one training with clipping and one without")
    steps = np.arange(1, len(before) + 1)
    axes.plot(steps, before, color=PALETTE[0], label="clipped training: before clipping")
    axes.plot(steps, after, color=PALETTE[2], label=f"clipped training: after clipping to {clip_norm:g}")
    finite = len(steps) if np.isfinite(free).all() else int(np.argmin(np.isfinite(free)))
    axes.plot(steps[:finite], free[:finite], color=PALETTE[1], marker="o", markersize=4, label="unclipped training")
    if finite < len(steps):
        axes.annotate(
            f"not finite from step {finite + 1} on",
            (steps[finite - 1], free[finite - 1]),
            xytext=(8, 0),
            textcoords="offset points",
            color=PALETTE[1],
            va="center",
            fontsize=9.5,
        )
    axes.set_xlabel("step")
    axes.set_ylabel("norm of the gradient in all weights")
    log_ticks(axes.yaxis)
    axes.legend(frameon=False, fontsize=9)
    return figure


def errors(measured: Mapping[str, float], *, chance: float) -> Figure:
    """A bar a net, in the order given: percent of test images wrong."""
    figure = Figure(figsize=(6.4, 1.4 + 0.36 * len(measured)), dpi=DPI, layout="constrained")
    axes = figure.add_subplot()
    _style(axes, f"Test error; orange above {quantity(0.9 * chance, unit='%')}, nine tenths of guessing's")
    axes.set_yscale("linear")
    colours = [PALETTE[value > 0.9 * chance] for value in measured.values()]
    axes.barh(range(len(measured)), list(measured.values()), color=colours, height=0.65)
    for place, value in enumerate(measured.values()):
        axes.text(max(value, chance) + 1.5, place, quantity(value, unit="%"), va="center", fontsize=9)
    axes.axvline(chance, color="black", linestyle="--", linewidth=1.2)
    axes.text(chance - 1, -0.8, "guessing", ha="right", va="center", fontsize=9)
    axes.set_yticks(range(len(measured)), list(measured))
    axes.set(xlim=(0, 112), ylim=(len(measured) - 0.5, -1.2))
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("test images wrong (%)")
    return figure


def _canvas(title: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(6.4, 4.2), dpi=DPI, layout="constrained")
    axes = figure.add_subplot()
    _style(axes, title)
    return figure, axes


def _style(axes: Axes, title: str) -> None:
    axes.set_yscale("log")
    axes.set_title(title, loc="left", fontsize=11)
    light_grid(axes)
    axes.spines[["left", "bottom"]].set_color("#888888")
    axes.tick_params(color="#888888", labelcolor="#333333")


def _name_ends(axes: Axes) -> None:
    """Writes each line's label beside its first point, in the line's colour, the labels a line's height apart."""
    low, high = np.log10(axes.get_ylim())
    gap = (high - low) * 0.055
    shown = [line for line in axes.lines if 0 < line.get_ydata()[0] < np.inf]
    lines = sorted(shown, key=lambda line: line.get_ydata()[0])
    heights = np.log10([line.get_ydata()[0] for line in lines])
    for _ in range(100):  # neighbours that are too near push each other away
        for below in range(len(lines) - 1):
            push = max(0.0, gap - (heights[below + 1] - heights[below])) / 2
            heights[below : below + 2] += (-push, push)
    for line, height in zip(lines, heights, strict=True):
        axes.annotate(
            line.get_label(),
            (line.get_xdata()[0], 10**height),
            xytext=(8, 0),
            textcoords="offset points",
            color=line.get_color(),
            va="center",
            fontsize=9.5,
        )
