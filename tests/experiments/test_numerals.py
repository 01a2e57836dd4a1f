"""Numbers for people: digits, plurals, times; and that nobody writes a plural by hand after a number of things."""

import ast
import re
from pathlib import Path

import pytest

from experiments.numerals import COUNTED, counted, duration, measured, quantity, significant, with_prefix

ROOT = Path(__file__).parents[2]
THINGS = (
    "array|batch|bit|channel|character|checkpoint|class|code|component|device|digit|draw|epoch|example|experiment|file|"
    "function|image|input|label|layer|line|name|net|number|option|parameter|picture|pixel|point|preset|process|record|"
    "row|run|sample|seed|setting|size|step|unit|update|window|word"
)
NEVER_ONE = {
    "experiments/datasets/generated.py": {
        "len(names)",
        "count",
        "count // 4",
    },  # one function is named; a mixture has thousands
    "experiments/networks/architectures.py": {"self.architecture"},  # a name, and no number
    "experiments/run/freezing.py": {"word"},
    "experiments/run/transfer.py": {"whole"},  # of which a part is frozen
    "experiments/datasets/hashing.py": {"len(examples)"},  # what is hashed, and never shown
    "experiments/datasets/images/idx.py": {"test[0]", "test[2]"},  # compared with MNIST's
    "experiments/datasets/prepare.py": {"', '.join((f'{split} {count:,}' for split, count in counts.items()))"},
    "experiments/datasets/text/characters.py": {"20 * (length + 2)", "len(text)"},  # what a window needs, and more
    "experiments/foundations/backpropagation/experiment.py": {"entries"},  # too many for a matrix
    "experiments/report/page.py": {"EMBEDDED_RUNS", "count"},  # 24; two runs or more
    "experiments/run/saved_run.py": {"self.run.name"},  # which draws no examples
    "experiments/sequences/fixed_window/experiment.py": {"len(prompt)"},  # more than the length
    "train/mesh.py": {"mesh.size"},  # one device divides every batch
    "train/metrics.py": {"len(damaged)"},  # one is said in other words
}


@pytest.mark.parametrize(
    ("mean", "deviation", "text"),
    [(86.954, 0.1234, "86.95 ± 0.12"), (1234.4, 150.2, "1,234 ± 150"), (0.91326, None, "0.9133"),
     (1.0, 0.0, "1.000 ± 0"), (1.5e-8, 2e-9, "1.500e-08 ± 2.0e-09"), (20.0, 1e-12, "20.00 ± 1.0e-12"),
     (-5.0, 0.5, "-5.00 ± 0.50"), (1.6, 2.7e-16, "1.600 ± 0")],
)  # fmt: skip
def test_a_mean_has_the_digits_that_its_deviation_allows(mean, deviation, text):
    assert measured(mean, deviation) == text


@pytest.mark.parametrize(
    ("mean", "deviation", "unit", "text"),
    [(14.0, None, "functions", "14 functions"), (14.0, 0.0, "functions", "14 ± 0 functions"),
     (1.0, None, "inputs", "1 input"), (0.0, None, "inputs", "0 inputs"), (1.5, None, "units", "1.500 units"),
     (13.8, 0.447, "functions", "13.80 ± 0.45 functions"), (34944.0, None, "parameters", "34,944 parameters"),
     (64.0, None, "FLOP", "64 FLOP"), (0.9, 0.0, "updates", "0.9000 ± 0 updates"),
     (1.0, None, "nats", "1.000 nats"), (7.0, None, "", "7.000")],
)  # fmt: skip
def test_a_whole_number_of_things_is_counted(mean, deviation, unit, text):
    assert quantity(mean, deviation, unit) == text


def test_one_of_what_is_counted_is_no_plural():
    assert all(one == many or one == many.removesuffix("s") for many, one in COUNTED.items())


@pytest.mark.parametrize(
    ("number", "thing", "text"),
    [(0, "step", "0 steps"), (1, "step", "1 step"), (1.0, "epoch", "1 epoch"), (2000, "step", "2,000 steps"),
     (0.62, "epoch", "0.62 epochs"), (1.004, "epoch", "1 epoch"), (1, "class", "1 class"), (3, "class", "3 classes"),
     (9, "box", "9 boxes")],
)  # fmt: skip
def test_things_are_counted(number, thing, text):
    assert counted(number, thing) == text


def test_numbers_and_times_are_written_for_people():
    assert [duration(s) for s in (3.21, 31.2, 59.7, 125.0, 3840.0, 15025.0)] == [
        "3.2 s", "31 s", "1 min 0 s", "2 min 5 s", "1 h 4 min", "4 h 10 min"]  # fmt: skip
    assert [with_prefix(v, "FLOP") for v in (0, 999.4, 999.6, 9.48e10, 2.5e19)] == [
        "0 FLOP", "999 FLOP", "1 kFLOP", "94.8 GFLOP", "2.5e+04 PFLOP"]  # fmt: skip
    assert [significant(v, 3, "+") for v in (0.24, -1234.5, 0.0, 1e-9)] == ["+0.240", "-1,234", "0", "+1.00e-09"]


def plurals_by_hand(code):
    """In f-strings: what stands before a plural of ``THINGS``, perhaps with another word between."""
    plural = re.compile(
        rf" (?:(?!(?:has|have|hold|holds|need|needs|draws|takes|of|in) )\w+ )?(?:{THINGS})(?:s|es)\b(?!/s)"
    )
    for text in (node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.JoinedStr)):
        for before, after in zip(text.values, text.values[1:], strict=False):
            if isinstance(before, ast.FormattedValue) and isinstance(after, ast.Constant) and plural.match(after.value):
                yield ast.unparse(before.value)


def test_a_plural_by_hand_is_found():
    code = "f\"{len(runs):,} steps and {n} training images, {rate} steps/s, {counted(n, 'step')}, {name} has images\""
    assert list(plurals_by_hand(code)) == ["len(runs)", "n"]


@pytest.mark.parametrize("room", ["experiments", "train"])
def test_no_number_of_things_is_written_with_a_plural_by_hand(room):
    """ "1 steps" is what comes of it; ``counted`` knows how many there are."""
    for path in sorted((ROOT / room).rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if "/peers/" not in name:
            found = set(plurals_by_hand(path.read_text(encoding="utf-8")))
            assert found <= NEVER_ONE.get(name, set()), name
