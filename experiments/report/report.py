"""``lectern report``: finished runs as a ledger, for the terminal, for Markdown and as a page.

``archive`` reads the runs, ``ledger`` makes rows of them, ``page`` the HTML; this file is how one reaches them.
"""

import contextlib
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.errors import WrongInput
from experiments.report.archive import Run, find_runs, problems, read_metrics
from experiments.report.ledger import COLUMNS, Column, LedgerRow, ledger_rows, one_line
from experiments.report.page import html_page
from experiments.run.registry import entries
from train.progress import Progress

if TYPE_CHECKING:
    import rich.table

__all__ = [
    "LedgerRow", "ReportError", "Run", "find_runs", "html_page", "ledger_rows", "markdown", "problems",
    "read_metrics", "report", "table",
]  # fmt: skip
FIRST_TO_GO = ("commit", "device", "seeds", "training", "dataset", "time", "preset")  # in a narrow terminal
WIDTH_OF_FILES = 200  # columns of text where there is no terminal to ask


class ReportError(WrongInput):
    """There is nothing to report; the message says what to type."""


def table(rows: Sequence[LedgerRow], width: int | None = None) -> "rich.table.Table":
    """The ledger for the terminal, without columns that are empty in every row.

    What does not fit into ``width`` letters loses columns, the least telling first; the caption names them.
    """
    from rich.cells import cell_len
    from rich.console import Console

    lines = {column: [column.line(row) for row in rows] for column in COLUMNS}
    columns = [column for column in COLUMNS if not rows or any(lines[column])]
    widest = {column: [max(lines[column], key=cell_len, default="")] for column in columns}
    dropped = []
    for name in FIRST_TO_GO:
        if width is None or Console(width=10_000).measure(_table(widest, columns)).maximum <= width:
            break
        dropped.append(name)
        columns = [column for column in columns if column.name != name]
    drawn = _table(lines, columns)
    if dropped:
        drawn.caption = f"too narrow for: {', '.join(dropped)}"
    return drawn


def markdown(rows: Sequence[LedgerRow]) -> str:
    """The ledger as a GitHub table, as ``docs/ledger.md`` keeps it."""
    lines = [[column.name for column in COLUMNS], ["---:" if column.number else "---" for column in COLUMNS]]
    lines += [[re.sub(r"([\\`*\[\]<>|~])", r"\\\1", column.line(row)) for column in COLUMNS] for row in rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def report(
    folder: Path,
    html: Path | None = None,
    markdown_file: Path | None = None,
    *,
    every: bool = False,
    pool: bool = False,
    patience: float = 1.0,
) -> None:
    """Print the ledger of the runs at or below ``folder``; write it as a page and as Markdown where files are named.

    Progress is told of what takes more than ``patience`` seconds; ``every`` and ``pool`` are as of ``ledger_rows``.

    Raises:
        ReportError: if there is no run.
    """
    from rich.console import Console

    runs = find_runs(folder)
    if not runs:
        raise ReportError(f"no finished run at or below {folder}: type `lectern run vae` to make one")
    console = Console()
    if not console.is_terminal:
        console.width = WIDTH_OF_FILES
    rows = ledger_rows(runs, every=every, pool=pool)
    console.print(table(rows, console.width))
    for problem in problems(runs):
        console.print(f"left out: {one_line(problem)}", style="yellow", markup=False, highlight=False, soft_wrap=True)
    written = {}
    if html is not None:
        with _progress("page", len(runs) - len(problems(runs)), patience) as told:
            written[html] = html_page(runs, file=html, folder=folder, pool=pool, cards=entries(), told=told)
    if markdown_file is not None:
        written[markdown_file] = markdown(rows)
    for path, text in written.items():
        _write_whole(path, text)
        console.print(f"written: {path}", markup=False, highlight=False, soft_wrap=True)


@contextlib.contextmanager
def _progress(label: str, total: int, patience: float) -> Iterator[Callable[[int], None]]:
    """A function to tell how many runs are done; nothing is shown before ``patience`` seconds have gone."""
    began = time.perf_counter()
    with contextlib.ExitStack() as stack:
        bar = None

        def told(done: int) -> None:
            nonlocal bar
            if bar is not None:
                bar.update(done, {})
            elif done < total and time.perf_counter() - began > patience:
                bar = stack.enter_context(Progress(label, done, total, thing="run"))

        yield told


def _table(lines: Mapping[Column, Sequence[str]], columns: Sequence[Column]) -> "rich.table.Table":
    """The lines of the given columns, long text wrapped."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        drawn.add_column(column.name, justify="right" if column.number else "left", overflow="fold", max_width=28)
    for cells in zip(*(lines[column] for column in columns), strict=True):
        drawn.add_row(*map(Text, cells))
    return drawn


def _write_whole(path: Path, text: str) -> None:
    """Write a file so that a reader finds either the old one or the whole new one; ``ReportError`` if it cannot be."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise ReportError(f"{path} cannot be written ({error}): name another file") from error
