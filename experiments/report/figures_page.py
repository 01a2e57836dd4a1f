"""The page's first table: one row a published figure, with filters by verdict and by family."""

from collections.abc import Mapping, Sequence
from html import escape

from experiments.numerals import counted, significant
from experiments.report.ledger import ours, seeds_in_words
from experiments.report.published import STATES, Figure, head_line
from experiments.report.verdict import STANDARD_ERRORS

HEADS = ("figure", "published", "ours", "seeds", "difference", "verdict", "run")
SCALE, MOST_ERRORS = 6, 10  # of the bar: units of its drawing for a standard error, and where it is cut off
WIDTH, HEIGHT = 2 * SCALE * MOST_ERRORS, 18
MIDDLE = WIDTH // 2
EXPLAINED = (
    f"A figure is met where the difference is at most {STANDARD_ERRORS} standard errors, half of the last printed "
    "digit, or the binomial standard error of the test set, whichever is largest; or where ours is better. It is near "
    "within a tenth of what was published, else far. The bar is the difference in standard errors, those of our mean "
    f"and of theirs where it was printed; shaded are {STANDARD_ERRORS} to each side."
)


def figures_section(found: Sequence[Figure], numbers: Mapping[str, int]) -> str:
    """The table of published figures, its rows leading to the sections of the runs of these numbers; "" for none."""
    if not found:
        return ""
    heads = "".join(f'<th scope="col" class="{head}">{head}</th>' for head in HEADS)
    bodies = "".join(
        f'<tbody data-family="{escape(family)}"><tr class="family"><th scope="rowgroup" colspan="{len(HEADS)}">'
        f"{escape(family)}</th></tr>\n{''.join(_row(each, numbers) for each in members)}</tbody>"
        for family, members in _by_family(found).items()
    )
    return f"""<h2 id="published">Published figures</h2>
<p><strong>{escape(head_line(found))}.</strong></p>
<p class="muted">{EXPLAINED}</p>
{_filters(found)}
<div class="scroll" role="region" aria-label="Published figures" tabindex="0">
<table id="figures"><thead><tr>{heads}</tr></thead>
{bodies}</table></div>
<h2 id="runs">Runs</h2>
"""


def _by_family(found: Sequence[Figure]) -> dict[str, list[Figure]]:
    """The figures of each family, in the order in which families and figures come; those that were run first."""
    families: dict[str, list[Figure]] = {}
    for figure in found:
        families.setdefault(figure.published.family, []).append(figure)
    return {family: sorted(members, key=lambda each: each.state == "not run") for family, members in families.items()}


def _filters(found: Sequence[Figure]) -> str:
    """A button for each verdict, with how many there are, and a choice of families; shown where scripts run."""
    count = {"all": len(found)} | {state: sum(each.state == state for each in found) for state in STATES}
    buttons = "".join(
        f'<button type="button" data-show="{_slug(state)}" aria-pressed="{"true" if state == "all" else "false"}">'
        f"{state} <small>{number}</small></button>"
        for state, number in count.items()
    )
    options = "".join(f"<option>{escape(family)}</option>" for family in _by_family(found))
    return f"""<div id="filters" role="group" aria-label="Which figures" hidden>{buttons}
<label>family <select><option value="">all</option>{options}</select></label></div>"""


def _row(figure: Figure, numbers: Mapping[str, int]) -> str:
    published, row = figure.published, figure.row
    unit = f" ({published.unit})" if published.unit else ""
    cells = {
        "figure": f"<strong>{escape(published.experiment)}</strong> {escape(published.preset)}"
        f"<small>{escape(published.metric + unit)}</small>{_protocol(figure)}",
        "published": f"{published.value:,.10g}<small>{escape(published.source)}</small>",
        "ours": "" if row is None else escape(ours(row)),
        "seeds": "" if row is None else seeds_in_words(row),
        "difference": _difference(figure),
        "verdict": f'<span class="state">{figure.state}</span>'
        + (f"<small>{escape(figure.reason)}</small>" if figure.reason else ""),
        "run": "" if row is None else _links((*row.runs, *figure.others), numbers),
    }
    inside = "".join(f'<td class="{name}">{cell}</td>' for name, cell in cells.items())
    return f'<tr class="{_slug(figure.state)}">{inside}</tr>\n'


def _protocol(figure: Figure) -> str:
    """What is unfolded: how both were measured, and by how much they may differ."""
    row, facts = figure.row, {"published": figure.published.protocol or "no protocol given"}
    if row is not None:
        facts["ours"] = row.protocol
    if figure.comparison is not None:
        facts["met within"] = f"±{significant(figure.comparison.tolerance, 2)}"
    items = "".join(f"<dt>{name}</dt><dd>{escape(text)}</dd>" for name, text in facts.items())
    return f"<details><summary>protocol</summary><dl>{items}</dl></details>"


def _difference(figure: Figure) -> str:
    """The difference as a number, and as a bar where standard errors are known."""
    if figure.comparison is None or figure.row is None or figure.row.mean is None:
        return ""
    difference, errors = figure.row.mean - figure.published.value, figure.comparison.standard_errors
    number = significant(difference, 3, "+")
    if difference == 0:
        return f"{number}<small>the same in every seed</small>" if figure.row.deviation == 0 else number
    if errors is None:
        return f"{number}<small>{'one seed' if figure.row.seeds == 1 else 'no two seeds differ'}</small>"
    return f"{number}{bar_svg(errors)}<small>{significant(errors, 2, '+')} standard errors</small>"


def bar_svg(errors: float) -> str:
    """A bar from the middle to so many standard errors, cut off with a point where they are too many."""
    cut = max(-MOST_ERRORS, min(MOST_ERRORS, errors))
    end = MIDDLE + round(SCALE * cut)
    left, right = sorted((MIDDLE, end))
    back = -SCALE if errors > 0 else SCALE
    tip = f'<path class="length" d="M{end},9l{back},-8v16z"/>' if cut != errors else ""
    band = STANDARD_ERRORS * SCALE
    return (
        f'<svg class="bar" role="img" viewBox="0 0 {WIDTH} {HEIGHT}" aria-label="{errors:+.1f} standard errors">'
        f'<rect class="within" x="{MIDDLE - band}" y="0" width="{2 * band}" height="{HEIGHT}"/>'
        f'<rect class="length" x="{left}" y="5" width="{max(right - left, 1)}" height="8"/>{tip}'
        f'<path class="zero" d="M{MIDDLE},0v{HEIGHT}"/></svg>'
    )


def _links(runs: Sequence[str], numbers: Mapping[str, int]) -> str:
    """To the sections of the runs, with their curves and pictures; of several all but the first are folded away."""
    first, *others = runs
    shown = _link(numbers[first], "curves and pictures")
    if not others:
        return shown
    folded = "".join(_link(numbers[name], name) for name in others)
    return f"{shown}<details><summary>and {counted(len(others), 'more run')}</summary>{folded}</details>"


def _link(number: int, text: str) -> str:
    return f'<a href="#run-{number}">{escape(text)}</a>'


def _slug(state: str) -> str:
    return state.replace(" ", "-")
