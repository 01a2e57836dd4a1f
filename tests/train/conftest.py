import shutil
from pathlib import Path

import pytest
from saved_states import save_all


@pytest.fixture(scope="module")
def pristine(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("pristine") / "checkpoints"
    save_all(folder, [1, 2])
    return folder


@pytest.fixture
def folder(pristine, tmp_path) -> Path:
    """Intact checkpoints of steps 1 and 2, to be damaged."""
    return shutil.copytree(pristine, tmp_path / "checkpoints")
