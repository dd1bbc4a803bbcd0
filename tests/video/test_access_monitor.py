"""The monitor notices a careless reader. Otherwise it would prove nothing about a careful one."""

from collections.abc import Mapping
from pathlib import Path

import av
import pytest

from tests.video.access_monitor import AccessMonitor, inputs
from tests.video.footage import between_hard_cuts, for_a_share

# Options with which FFmpeg opens everything that a file refers to.
CARELESS = {
    "enable_drefs": "1",
    "use_absolute_path": "1",
    "safe": "0",
    "extension_picky": "0",
    "allowed_extensions": "ALL",
    "protocol_whitelist": "file,http,tcp,data,concat,crypto",
}


def read(path: Path, options: Mapping[str, str]) -> None:
    try:
        with av.open(str(path), options=dict(options), timeout=5) as container:
            list(container.decode(video=0))
    except (av.error.FFmpegError, IndexError):
        """Even a file that cannot be played may have been followed to others."""


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("hls-path.m3u8", "secret.ts was opened"),
        ("concat-local.mp4", "secret.mp4 was opened"),
        ("external-data-alis.mov", "secret.mp4 was opened"),
        ("concat-remote.mp4", "the server was visited"),
    ],
)
def test_a_careless_reader_is_noticed(name: str, says: str, tmp_path: Path) -> None:
    with AccessMonitor(tmp_path / "references") as monitor:
        path = tmp_path / name
        path.write_bytes(inputs(monitor, tmp_path)[name])
        assert monitor.accesses() == [], "making the inputs is nobody's fault"
        if "secret" in says and not monitor.watches_files:
            return  # no inotify on this system: only the server detects anything
        read(path, CARELESS)
        assert any(says in one for one in monitor.accesses())


def test_footage_shows_its_card_for_as_long_as_it_promises() -> None:
    for seed in range(60):
        footage = for_a_share(seed, 12)
        begin, end = footage.card_from_to
        assert end - begin >= footage.seconds / 11
        assert 0 <= begin < end <= footage.seconds
        shown = [time for time in footage.times if begin <= time < end]
        following = next((time for time in footage.times if time >= end), footage.seconds)
        assert following - shown[0] >= footage.seconds / 11 - 1e-9, footage.name


def test_footage_between_hard_cuts_has_its_card_for_a_second_and_at_most_ten_cuts() -> None:
    counts = set()
    for seed in range(200):
        footage = between_hard_cuts(seed)
        begin, end = footage.card_from_to
        assert end - begin == pytest.approx(1.0)
        assert not any(take.fade for take in footage.takes)
        counts.add(len(footage.takes) - 1)
    assert max(counts) == 10
    assert len(counts) > 5
