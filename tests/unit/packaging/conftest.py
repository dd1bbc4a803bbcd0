"""A folder of tiny wheels for each test; pip sees that folder and nothing else."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from components.packaging import Target, pip
from components.packaging.lock import Pin
from tests.unit.packaging.wheel_index import WheelFolder


@pytest.fixture
def pip_wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WheelFolder:
    """Fetch wheels through pip, which takes about 0.4 s each time."""
    wheels = WheelFolder(tmp_path)
    wheels.index.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels.index))
    return wheels


@pytest.fixture
def wheels(pip_wheels: WheelFolder, monkeypatch: pytest.MonkeyPatch) -> WheelFolder:
    """Copy wheels instead of using pip, for tests that are not about pip's choice or failures."""

    def copy(pins: Sequence[Pin], _target: Target, destination: Path, _cache: Path) -> None:
        for pin in pins:
            (wheel,) = pip_wheels.index.glob(f"{pin.name.replace('-', '_')}-{pin.version}-*.whl")
            shutil.copy(wheel, destination)

    monkeypatch.setattr(pip, "download", copy)
    return pip_wheels
