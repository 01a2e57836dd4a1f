"""Made-up run folders, and a page taken apart: what the tests of the report share."""

import json
from html.parser import HTMLParser
from pathlib import Path

from experiments.report.archive import find_runs
from experiments.report.ledger import COLUMNS, ledger_rows

NLL = [20.0, 20.5, 19.5, 21.0]
REFERENCE = {
    "metric": "nll", "value": 20.01, "unit": "nats", "source": "Burda et al. 2016, table 1",
    "protocol": "5,000 samples", "preset": "default", "ours": 20.25, "difference": 0.24,
}  # fmt: skip
ATTACK = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'><a href=javascript:alert(3)>|&amp;"

OTHER_THAN_OBJECTS = [
    ("null", "null"),
    ("[1]", "a list"),
    ('"text"', "a text"),
    ("3", "a number"),
    ("0.5", "a number"),
    ("true", "true or false"),
]
"""JSON that is intact and no object, and what a message says that a file with it holds."""


def summary(**changes):
    return {
        "experiment": "vae", "preset": "default", "config": {"latent_size": 16, "rate": 0.001}, "seeds": [0, 1, 2, 3],
        "steps": 3000, "epochs": 296.1,
        "dataset": {"name": "digits", "protocol": "digits 1297/250/250", "fingerprint": "sha256:ab"},
        "metrics": {"nll": {"mean": 20.25, "std": 0.5, "values": NLL, "unit": "nats"}}, "references": [REFERENCE],
        "wall_seconds": 125.2, "compile_seconds": 3.1, "examples_per_second": 35000.0, "parameters": 823000,
        "flops_per_step": 1.0e9, "device": "cpu x1 (AMD EPYC)", "versions": {"jax": "0.10.2"},
        "commit": "abc1234def567", "state_sha256": "cd",
    } | changes  # fmt: skip


def make_run(folder: Path, *, logged=True, **changes) -> Path:
    folder.mkdir(parents=True)
    (folder / "summary.json").write_text(json.dumps(summary(**changes)), encoding="utf-8")
    rows = [{"step": s, "split": p, "nll": [30 - s, 31 - s]} for s in range(1, 4) for p in ("train", "valid")]
    if logged:
        (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


def nll(*values, unit="nats"):
    return {"nll": {"values": list(values), "unit": unit}}


def only_row(tmp_path, **changes):
    make_run(tmp_path / "run", **changes)
    (row,) = ledger_rows(find_runs(tmp_path))
    return row


def shown(row, column):
    return next(c for c in COLUMNS if c.name == column).line(row)


class Page(HTMLParser):
    """The page's elements with their attributes, its text, its captions, and the content of scripts and styles."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.text, self.captions, self.inline = [], [], [], {"script": [], "style": []}
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_data(self, data):
        if self.elements and self.elements[-1][0] == "figcaption" and data.strip():
            self.captions.append(data)
        self.inline.get(self.elements[-1][0] if self.cdata_elem else "", self.text).append(data)

    def having(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]
