"""What ``lectern list`` prints."""

from collections.abc import Sequence

from experiments.run.card import Preset, Reference
from experiments.run.registry import Entry


def print_all(entries: Sequence[Entry]) -> None:
    """Every experiment in a few lines."""
    for entry in entries:
        print(f"{entry.name}  {entry.summary}")
        print(f"    systems: {', '.join(entry.card.systems)}")
        print(f"    presets: {', '.join(entry.card.all_presets)}")
        for reference in entry.card.references:
            print(f"    {published(reference)}")


def print_one(entry: Entry) -> None:
    """An experiment whole: what it claims, and what each preset changes."""
    print(f"{entry.name}  ({entry.family}; rows {', '.join(entry.card.systems)})\n\n{entry.description}\n")
    for name, preset in entry.card.all_presets.items():
        print(f"--preset {name}: {in_flags(preset)}")
    for reference in entry.card.references:
        print(f"\n{published(reference)}")


def published(reference: Reference) -> str:
    """A published figure in a line."""
    read = {"source": "", "secondary": "; quoted in another text", "memory": "; from memory"}[reference.read]
    figure = f"{reference.metric} {reference.value} {reference.unit}".rstrip()
    return f"published: {figure} ({reference.source}: {reference.protocol}{read}), preset {reference.preset}"


def in_flags(preset: Preset) -> str:
    """What a preset changes, as flags."""
    if not preset:
        return "the settings as they are"
    return " ".join(_flag(name, value) for name, value in preset.items())


def _flag(name: str, value: object) -> str:
    dashed = name.replace("_", "-")
    if isinstance(value, bool):
        return f"--{dashed}" if value else f"--no-{dashed}"
    return " ".join(map(str, (f"--{dashed}", *(value if isinstance(value, tuple) else (value,)))))
