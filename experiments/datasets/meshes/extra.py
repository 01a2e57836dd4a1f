"""Libraries of the extra "meshes", which are imported where they are used."""

from importlib import import_module
from types import ModuleType

from experiments.datasets.dataset import DataError


def of_the_extra(module: str, purpose: str) -> ModuleType:
    """The module; ``DataError`` says in one line how it is had, where it is missing."""
    try:
        return import_module(module)
    except ImportError:
        package = module.partition(".")[0]
        raise DataError(f"{purpose} needs {package}: pip install 'lectern[meshes]'") from None
