"""``python -m experiments.cli``: the command line without an installed script."""

from experiments.cli.main import console

console()
