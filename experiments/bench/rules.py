"""The rules of convolution on CPUs (models/layers/conv_products.py, conv_adjoint.py, conv_kernel_gradient.py), each of
which a benchmark can leave out."""

from typing import Any

from models.layers import conv, conv_adjoint, conv_kernel_gradient, conv_products

RULES: dict[str, tuple[Any, str, Any]] = {
    "few terms": (conv_products, "_has_few_terms", lambda *_: False),
    "few features": (conv_products, "_has_few_features", lambda *_: False),
    "columns": (conv_products, "_columns_pay", lambda *_: False),
    "added row": (conv_products, "_rows_to_add", lambda *_: 0),
    "blocks": (conv_products, "MOST_ENTRIES", 2**62),
    "shifts": (conv_kernel_gradient, "_shifts_pay", lambda *_: False),
    "pairs": (conv_kernel_gradient, "_pairs_pay", lambda *_: False),
    "tiles": (conv_adjoint, "_tiles_pay", lambda *_: False),
    "any rule": (conv, "_convolve", conv_products.xla_convolution),
}
"""Of each rule the module, the name in it, and what stands there where the rule is left out; without any of them
forward and gradients are XLA's own."""


def leave_out(rule: str) -> None:
    """From now on in this process."""
    module, name, without = RULES[rule]
    setattr(module, name, without)
