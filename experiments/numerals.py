"""How numbers are written for people: one way in the terminal, in reports and in figures."""

import math

PREFIXES = ("", "k", "M", "G", "T", "P")
"""Of thousands, millions and so on."""
COUNTED = {
    "codes": "code",
    "FLOP": "FLOP",
    "functions": "function",
    "inputs": "input",
    "modes": "mode",
    "multiply-adds": "multiply-add",
    "parameters": "parameter",
    "units": "unit",
    "updates": "update",
}
"""Units that are things, each with the word for one of them: a whole number of them is written without decimals."""


def measured(mean: float, deviation: float | None = None, unit: str = "") -> str:
    """``mean ± deviation`` to two significant digits of the deviation; four digits of the mean without one.

    A whole number of things, which ``unit`` says, has no decimals.
    """
    equal = deviation is not None and deviation <= 1e-14 * abs(mean)  # but for the rounding of their mean
    if deviation is None or equal:
        whole = unit in COUNTED and mean == round(mean)
        return (f"{mean:,.0f}" if whole else significant(mean, 4)) + (" ± 0" if equal else "")
    decimals = 1 - math.floor(math.log10(deviation))
    if not -12 < decimals <= 6:
        return f"{significant(mean, 4)} ± {deviation:.1e}"
    return f"{mean:,.{max(decimals, 0)}f} ± {deviation:,.{max(decimals, 0)}f}"


def quantity(mean: float, deviation: float | None = None, unit: str = "") -> str:
    """``measured`` with its unit: "86.76 ± 0.12 nats", "14 functions", "1 input"."""
    text = measured(mean, deviation, unit)
    return f"{text} {COUNTED.get(unit, unit) if text == '1' else unit}".rstrip()


def significant(value: float, digits: int, sign: str = "") -> str:
    """``value`` to so many significant digits, never rounding before the decimal point; ``sign="+"`` always signs."""
    if value == 0:
        return "0"
    decimals = digits - 1 - math.floor(math.log10(abs(value)))
    if not -12 < decimals <= 6:
        return f"{value:{sign}.{digits - 1}e}"
    return f"{value:{sign},.{max(decimals, 0)}f}"


def with_prefix(value: float, unit: str) -> str:
    """Three digits and the prefix of the value's size: "94.8 GFLOP"; below 1,000 none."""
    power = 0
    while abs(value) >= 999.5 and power < len(PREFIXES) - 1:
        value, power = value / 1000, power + 1
    return f"{value:.3g} {PREFIXES[power]}{unit}"


def counted(number: float, thing: str) -> str:
    """ "1 step", "2,000 steps", "0.62 epochs", "3 classes", "9 boxes"."""
    text = f"{number:,.2f}".rstrip("0").rstrip(".")
    plural = f"{thing}es" if thing.endswith(("s", "x")) else f"{thing}s"
    return f"{text} {thing if text == '1' else plural}"


def duration(seconds: float) -> str:
    """Seconds for people: ``3.2 s``, ``31 s``, ``2 min 5 s``, ``1 h 4 min``."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if minutes else f"{rest} s"
    return f"{minutes // 60:,} h {minutes % 60} min"
