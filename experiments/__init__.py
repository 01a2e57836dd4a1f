"""What is claimed: experiments, how they are run, and what is kept of them."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from experiments.run.saved_run import SavedRun

__all__ = ["open_run"]


def open_run(workdir: Path | str, *, data_dir: Path | str | None = None) -> "SavedRun":
    """The run of a folder that ``lectern run`` made; ``data_dir`` where its data are now, if they were moved.

    ``WrongInput`` where the folder holds none.
    """
    from experiments.run.run_folder import read_config
    from experiments.run.saved_run import SavedRun

    read_config(Path(workdir))
    return SavedRun(Path(workdir), data_dir=None if data_dir is None else Path(data_dir))
