"""The measure of sound against picture detects wrong offsets: otherwise it would prove nothing."""

from pathlib import Path

import pytest

from benchmarks import sync
from local.demo.filming import Film, film, watch


@pytest.mark.parametrize("uneven", [False, True])
@pytest.mark.parametrize("late", [0.0, 0.4])
def test_film_that_is_in_step_measures_as_such(tmp_path: Path, uneven: bool, late: float) -> None:
    sync.flashing(tmp_path / "a.mp4", Film(rate=25), uneven=uneven, sound_late=late)
    assert abs(sync.worst_offset(tmp_path / "a.mp4")) < 0.002


@pytest.mark.parametrize("shift", [0.06, -0.06])
def test_shifted_sound_is_measured_with_its_sign(tmp_path: Path, shift: float) -> None:
    path = tmp_path / "a.mkv"
    sync.flashing(path, Film(rate=25), shifted=shift)
    assert sync.worst_offset(path) == pytest.approx(shift, abs=0.002)


def test_lost_flashes_cannot_be_measured(tmp_path: Path) -> None:
    sync.flashing(tmp_path / "a.mp4", Film(rate=25))
    dark = [(time, picture) for time, picture in watch(tmp_path / "a.mp4") if time < 3]
    film(tmp_path / "b.mp4", dark, Film(rate=25), seconds=3.0)
    with pytest.raises((ValueError, IndexError)):
        sync.worst_offset(tmp_path / "b.mp4")
