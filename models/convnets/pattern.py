"""Convolutional nets in the lectures' notation:  [[CONV → RELU]*N → POOL?]*M → [FC → RELU]*K → FC.

Layers follow one another by → (or ->), brackets group them, and [ … ]*N (or ·N) stands N times. What a layer is told
follows its word; what is left out is the usual:

    CONV k f×f stride s padding p groups g   k features; f = 3, s = 1, p = ⌊(f − 1) / 2⌋, g = 1; ``unbiased``
    POOL f×f stride s padding p              the largest; f = 2, s = f, p = 0; ``average``; ``ceil``; ``all``
    FC n                                     n units; the last, FC, has one for each class; ``unbiased``
    RELU   TANH   SCALED_TANH   SIGMOID      of each unit by itself
    BN   LRN   DROPOUT p                     normalisation over the batch, or over channels; p = 0.5

``POOL all`` is one window over the whole image, so that it takes ``average`` alone. Lecture 000, "Layer patterns".
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Any


@dataclass(frozen=True)
class Convolution:
    """``CONV``: features of windows of the volume."""

    features: int
    window: int = 3
    stride: int = 1
    padding: int | None = None
    """rows and columns of zeros on each side; None: ⌊(window − 1) / 2⌋, which keeps the size"""
    groups: int = 1
    """parts of the channels, each seen by as many features"""
    bias: bool = True

    @property
    def margin(self) -> int:
        """The padding, whether given or not."""
        return (self.window - 1) // 2 if self.padding is None else self.padding


@dataclass(frozen=True)
class Pool:
    """``POOL``: the largest value of each window or, ``average``, the mean of those that are no padding."""

    window: int | None = 2
    """None: one window over all of the image"""
    stride: int | None = None
    """None: that of windows side by side"""
    padding: int = 0
    average: bool = False
    ceil: bool = False
    """whether a last window may reach past the image"""


@dataclass(frozen=True)
class Dense:
    """``FC``: units that see the whole volume."""

    units: int | None = None
    """None: one for each class"""
    bias: bool = True


@dataclass(frozen=True)
class Activation:
    """``RELU`` and others: of each unit by itself."""

    name: str


@dataclass(frozen=True)
class BatchNormalization:
    """``BN``: by the moments of each channel over the batch. Ioffe & Szegedy 2015."""


@dataclass(frozen=True)
class ResponseNormalization:
    """``LRN``: by the responses of neighbouring channels. Krizhevsky et al. 2012, section 3.3."""


@dataclass(frozen=True)
class DropoutPlace:
    """``DROPOUT``: each unit is 0 with probability ``rate`` in training. Srivastava et al. 2014."""

    rate: float = 0.5


Layer = Convolution | Pool | Dense | Activation | BatchNormalization | ResponseNormalization | DropoutPlace

_KINDS: dict[str, type] = {
    "CONV": Convolution,
    "POOL": Pool,
    "FC": Dense,
    "BN": BatchNormalization,
    "LRN": ResponseNormalization,
    "DROPOUT": DropoutPlace,
}
_ACTIVATIONS = ("RELU", "TANH", "SCALED_TANH", "SIGMOID")
_FLAGS = {"unbiased": ("bias", False), "average": ("average", True), "ceil": ("ceil", True), "all": ("window", None)}
_NUMBERED = ("stride", "padding", "groups")
_PLAIN = {Convolution: "features", Dense: "units", DropoutPlace: "rate"}
_REPEATED = re.compile(r"\[([^\[\]]*)\](?:\s*[*·]\s*(\d+))?")
_NOTHING = "∅"
_BESIDE_BRACKETS = re.compile(r"\w*[^\s\[→>]\s*\[|\](?:\s*[*·]\s*\d++)?+\s*+(?!→|->|\]|$).\w*")
"""what is neither an arrow, a bracket that encloses this one, nor a repetition"""


def parse_pattern(text: str) -> tuple[Layer, ...]:
    """The layers of a pattern, repetitions written out.

    ``ValueError``, in one line, where the text is no pattern: a bracket is missing or has something else beside it than
    an arrow or ]*2, a word is unknown, a layer is told what it does not take, or the last layer is not FC.
    """
    if beside := _BESIDE_BRACKETS.search(text):
        raise ValueError(f"beside a bracket type -> or, to repeat what it encloses, ]*2: got {beside[0]!r} in {text!r}")
    flat, replaced = text, 1
    while replaced:
        flat, replaced = _REPEATED.subn(lambda m: " → ".join([m[1].strip()] * int(m[2] or 1)) or _NOTHING, flat)
    if odd := re.search(r"[\[\]]", flat):
        raise ValueError(f"{odd[0]} has no other bracket in {text!r}")
    written = [item.strip() for item in re.split("→|->", flat)]
    if written[0] == "INPUT":
        written = written[1:]
    layers = tuple(_layer(item) for item in written if item != _NOTHING)
    _check_dense(layers)
    return layers


def notation(layers: Sequence[Layer]) -> str:
    """The pattern as text, every layer written out; ``parse_pattern`` reads it back."""
    return " → ".join(map(written, layers))


def written(layer: Layer) -> str:
    """One layer as the notation has it, without what is usual."""
    words = [layer_word(layer)]
    if isinstance(layer, Activation):
        return words[0]
    for field in fields(layer):
        name, value = field.name, getattr(layer, field.name)
        if value == field.default:
            continue
        if name == _PLAIN.get(type(layer)):
            words.append(f"{value:g}")
        elif flag := [flag for flag, meaning in _FLAGS.items() if meaning == (name, value)]:
            words += flag
        else:
            words.append(f"{value}x{value}" if name == "window" else f"{name} {value}")
    return " ".join(words)


def layer_word(layer: Layer) -> str:
    """Its word in the notation: CONV, RELU, POOL, …"""
    if isinstance(layer, Activation):
        return layer.name.upper()
    return next(word for word, kind in _KINDS.items() if isinstance(layer, kind))


def layer_names(layers: Sequence[Layer]) -> tuple[str, ...]:
    """A name for each layer: conv1, relu1, pool1, conv2, …, fc6, relu6, fc7.

    The number is that of the layer with weights that came last, so that of the last layer is the net's depth. A second
    layer of the same name is called pool1_2. Krizhevsky et al. 2012.
    """
    names: list[str] = []
    seen: Counter[str] = Counter()
    depth = 0
    for layer in layers:
        depth += isinstance(layer, Convolution | Dense)
        name = f"{layer_word(layer).lower()}{depth}"
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return tuple(names)


def _layer(text: str) -> Layer:
    word, *told = text.split() or [""]
    known = _KINDS | dict.fromkeys(_ACTIVATIONS, Activation)
    if word not in known:
        near = get_close_matches(word.upper(), known, 1, 0.5)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
        raise ValueError(f"{text!r} is no layer: {hint}")
    kind, options = known[word], _options(known[word], told, text)
    if wrong := [name for name in options if name not in {field.name for field in fields(kind)}]:
        raise ValueError(f"{word} takes no {wrong[0]}, got {text!r}")
    if kind is Pool and "window" in options and options["window"] is None and options.keys() - {"window", "average"}:
        raise ValueError(f"POOL all is one window over the whole image and takes average alone, got {text!r}")
    if kind is Convolution and "features" not in options:
        raise ValueError(f"CONV needs the number of its features, as in CONV 16, got {text!r}")
    return Activation(word.lower()) if kind is Activation else kind(**options)


def _options(kind: type, told: list[str], text: str) -> dict[str, Any]:
    options: dict[str, Any] = {}
    words = iter(told)
    for word in words:
        if word in _FLAGS:
            name, value = _FLAGS[word]
        elif word in _NUMBERED:
            name, value = word, _number(next(words, ""), text, least=0 if word == "padding" else 1)
        elif window := re.fullmatch(r"(\d+)[x×](\d+)", word):
            if window[1] != window[2]:
                raise ValueError(f"windows are square, as 3x3, got {text!r}")
            name, value = "window", _number(window[1], text)
        elif kind is DropoutPlace:
            name, value = "rate", _rate(word, text)
        else:
            name, value = _PLAIN.get(kind, "number"), _number(word, text)
        if name in options:
            raise ValueError(f"{text!r} gives its {name} twice")
        options[name] = value
    return options


def _number(word: str, text: str, *, least: int = 1) -> int:
    if not word.isdecimal() or int(word) < least:
        raise ValueError(f"{word or 'nothing'!r} is no number of at least {least} in {text!r}")
    return int(word)


def _rate(word: str, text: str) -> float:
    if not re.fullmatch(r"0?\.\d+|0", word):
        raise ValueError(f"{word!r} is no rate of at least 0 and below 1 in {text!r}")
    return float(word)


def _check_dense(layers: Sequence[Layer]) -> None:
    if not layers or not isinstance(layers[-1], Dense):
        found = written(layers[-1]) if layers else "no layer"
        raise ValueError(f"the last layer must be FC, the scores of the classes, got {found}")
    if any(isinstance(layer, Dense) and layer.units is None for layer in layers[:-1]):
        raise ValueError("FC needs the number of its units, as in FC 64, wherever it is not the last layer")
    first = next(number for number, layer in enumerate(layers) if isinstance(layer, Dense))
    if late := [layer for layer in layers[first:] if isinstance(layer, Convolution | Pool)]:
        raise ValueError(f"{written(late[0])} cannot follow FC, which leaves no image")
