"""The model card of an exported network."""

from collections.abc import Iterator

from experiments.datasets import Dataset
from experiments.numerals import counted, quantity
from experiments.run.export import FORWARD, KEYS, WEIGHTS, Exported, named
from experiments.run.registry import entry
from experiments.run.saved_run import SavedRun
from experiments.run.settings import as_json

MOST_NUMBERS = 60
CARD_TEXT = """# {title}

{summary}

{facts}

## Measured

{figures}

## Use

With `pip install jax safetensors flatbuffers`, and nothing else:

```python
import jax
from safetensors.numpy import load_file

weights = load_file("{weights}")
forward = jax.export.deserialize(open("{forward}", "rb").read()).call
outputs = forward(weights, inputs)  # a dict of arrays; any number of inputs
```

`{keys}` has the keys in the parameters' tree for each name in `{weights}`.
"""


def model_card(saved: SavedRun, exported: Exported) -> str:
    """The model card: what was trained on what, what it measured beside what was published, and how it is loaded."""
    run, summary = saved.run, saved.summary or {}
    size = f"{counted(exported.numbers, 'number')} in {counted(exported.arrays, 'array')}"
    facts = {
        "data": run.dataset.protocol,
        "weights": f"{size}, of seed {exported.seed} at step {exported.step:,}",
        "inputs": exported.inputs,
        "outputs": ", ".join(f"`{name}` {described}" for name, described in exported.outputs.items()),
        **_names(run.dataset),
        "platforms": ", ".join(exported.platforms),
        "commit": summary.get("commit", "not recorded: the run is not finished"),
        "settings": ", ".join(f"{name} {value}" for name, value in as_json(run.settings).items() if name != "data_dir"),
    }
    return CARD_TEXT.format(
        title=f"{run.name}, preset {run.preset}",
        summary=entry(run.name).summary,
        facts="\n".join(f"- **{name}**: {value}" for name, value in facts.items()),
        figures="\n".join(_figures(summary)) or "The run is not finished: nothing was measured.",
        weights=WEIGHTS,
        forward=FORWARD,
        keys=KEYS,
    )


def _names(dataset: Dataset) -> dict[str, str]:
    """The names of the classes, numbered from 0, and what else of the data is short, as the anchors of a detector."""
    classes = ", ".join(f"{number} {name}" for number, name in enumerate(dataset.class_names or ()))
    context, _ = named(dataset.context)
    short = {name: str(part.tolist()) for name, part in context.items() if part.size <= MOST_NUMBERS}
    return ({"classes": classes} if classes else {}) | short


def _figures(summary: dict) -> Iterator[str]:
    """A line for each metric, over all seeds of the run after its last step, and for each published figure."""
    over = f"{counted(len(summary.get('seeds', [])), 'seed')}, {counted(summary.get('steps', 0), 'step')}"
    for name, metric in summary.get("metrics", {}).items():
        value = "not finite" if metric["mean"] is None else quantity(metric["mean"], metric["std"], metric["unit"])
        taken = f"; {metric['protocol']}" if metric.get("protocol") else ""
        yield f"- test {name}: {value} ({over}{taken})"
    for each in summary.get("references", []):
        departs = f"; not comparable: other {', '.join(each['departs_in'])}" if each["departs_in"] else ""
        figure = f"{each['metric']}: {each['value']} {each['unit']}"
        yield f"- published {figure} ({each['source']}; {each['protocol']}{departs})"
