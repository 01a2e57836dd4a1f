"""A run's pictures on the page: embedded, or linked where there would be too many."""

import base64
import os
from html import escape
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from experiments.report.archive import Run

CURVES_FILE = "learning_curves.png"  # what a run leaves beside its other figures
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


class Links(NamedTuple):
    """From where links lead, and the only folder into which they may."""

    file: Path
    folder: Path


def pictures(run: Run, links: Links | None, *, drawn_anew: bool) -> tuple[list[str], list[str]]:
    """The run's PNG files, embedded where there are no ``links``; and a line for each file that is left out.

    The curves are not among them where they are ``drawn_anew``.
    """
    shown, left_out = [], []
    for path in sorted((run.folder / "figures").glob("*")):
        if drawn_anew and path.name == CURVES_FILE:
            continue
        if not _is_png(path):
            left_out.append(f"figures/{path.name} is no PNG file")
        elif links is None:
            shown.append(_embedded(path))
        elif path.resolve().is_relative_to(links.folder.resolve()):
            shown.append(_linked(path, links))
        else:
            left_out.append(f"figures/{path.name} lies outside of the folder")
    return shown, left_out


def _is_png(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(PNG_SIGNATURE)) == PNG_SIGNATURE


def _embedded(path: Path) -> str:
    """A picture that travels inside the page, with its caption."""
    data, text = base64.b64encode(path.read_bytes()).decode(), _caption(path)
    return f'<figure><img alt="{text}" src="data:image/png;base64,{data}"><figcaption>{text}</figcaption></figure>'


def _linked(path: Path, links: Links) -> str:
    """A link to a picture, which works as long as page and runs lie as they do now."""
    address = quote(os.fsencode(os.path.relpath(path, links.file.parent)))
    return f'<a class="picture" href="{address}">{_caption(path)}</a>'


def _caption(path: Path) -> str:
    return escape(path.stem.replace("_", " "))
