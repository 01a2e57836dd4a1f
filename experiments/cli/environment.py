"""What must be said before libraries are imported, and before JAX looks at the devices."""

import argparse
import logging
import os
import warnings
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from experiments.errors import WrongInput

if TYPE_CHECKING:
    from experiments.run.settings import Settings

QUIETEST = {"absl": logging.CRITICAL, "matplotlib": logging.ERROR}
"""By logger the least level that reaches the terminal. Orbax logs through absl, and each error that it also raises, by
the page; Matplotlib warns of its own cache folder.
"""
_DETERMINISTIC = "--xla_gpu_deterministic_ops=true --xla_gpu_enable_scatter_determinism_expander=true"


def quiet_libraries() -> None:
    """Keeps from the terminal what libraries say to their own developers; what they raise, we say in a line."""
    for name, level in QUIETEST.items():
        logging.getLogger(name).setLevel(level)
    warnings.filterwarnings("ignore", "Error (reading|writing) persistent compilation cache")  # slower, and no worse


def cache_compilations() -> None:
    """Keeps compiled programs in the user's cache folder, unless JAX was told otherwise."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lectern" / "xla"
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(cache))
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")


def refuse_strict_promotion() -> None:
    """Optax promotes integers to floats implicitly, so nothing trains where JAX was told to forbid it."""
    if os.environ.get("JAX_NUMPY_DTYPE_PROMOTION") == "strict":
        raise WrongInput("JAX_NUMPY_DTYPE_PROMOTION=strict: Optax needs standard; unset it, then try again")


def import_beside(*modules: str) -> None:
    """Imports what a run needs later while its programs compile, which leaves the interpreter free."""

    def load() -> None:
        with suppress(Exception):  # the import where it is needed says what is wrong
            for module in modules:
                import_module(module)

    Thread(target=load, daemon=True).start()


def prepare_devices(given: argparse.Namespace, settings: "Settings") -> None:
    """Determinism, and who else takes part."""
    if settings.placement.deterministic:
        said = os.environ.get("XLA_FLAGS", "")
        os.environ["XLA_FLAGS"] = f"{said} {_DETERMINISTIC}".strip()
    explicit = (given.coordinator, given.processes, given.process_id)
    if not given.distributed and explicit == (None, None, None):
        return
    if not given.distributed and None in explicit:
        raise WrongInput("--coordinator, --processes and --process-id go together; or --distributed on a cluster")
    if given.workdir is None:
        raise WrongInput("several processes share a run folder: name it, the same in each, with --workdir")
    from train.processes import join

    try:
        join(*explicit)
    except (ValueError, RuntimeError) as error:
        raise WrongInput(f"the processes could not be joined: {error}") from error
