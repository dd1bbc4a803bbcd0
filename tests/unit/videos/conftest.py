"""The video function in a stack in moto; the stack itself is the one of the pipeline's tests."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from media_pipeline.bootstrap.video import video_worker
from media_pipeline.observability import Observability
from media_pipeline.settings.functions import VideoSettings
from tests.fixtures.moto_stack import MotoStack
from tests.unit.conftest import TIMEOUT, FakeContext, clients, stack
from tests.unit.videos.filming import shoot

__all__ = ["clients", "stack"]


class Videos:
    """A stack that takes videos."""

    def __init__(self, stack: MotoStack) -> None:
        self.stack = stack
        stack.settings = replace(stack.settings, videos_queue_url=stack.videos_url)
        shared = {**vars(stack.settings), "videos_queue_url": None, "queue_url": stack.videos_url}
        self.settings = VideoSettings(
            **shared,
            height=90,
            moderation_frames=5,
            video_bytes=5_000_000,
            video_seconds=20,
            video_memory=900_000_000,
        )

    def upload(self, key: str, data: bytes) -> dict[str, Any]:
        """Put a video and have the image function hand it over; gives its event."""
        event: dict[str, Any] = self.stack.upload(key, data)
        assert self.stack.deliver(event)
        return event

    def deliver(self, *events: dict[str, Any], context: FakeContext | None = None) -> bool:
        """Hand the events to the video function as one message; tells whether it acknowledged it."""
        rekognition: Any = self.stack.rekognition
        worker = video_worker(
            self.settings,
            self.stack.clients,
            rekognition,
            Observability(tracing=False),
            self.stack.clock,
            TIMEOUT,
        )
        body = json.dumps({"Records": events})
        acknowledged: bool = self.stack.invoke(worker, self.stack.videos_url, body, context, 1)
        return acknowledged

    def published(self, event: dict[str, Any], folder: Path) -> Path:
        """Return the published video as a file."""
        key = next(
            entry["key"]
            for entry in self.stack.record(key_of(event), event).renditions
            if entry["name"] == "video"
        )
        path = folder / "published.mp4"
        path.write_bytes(self.stack.clients.s3.get_object(Bucket="renditions", Key=key)["Body"].read())
        return path


def key_of(event: dict[str, Any]) -> str:
    """Return the key of an event about an object whose key needs no quoting."""
    return str(event["s3"]["object"]["key"])


@pytest.fixture
def videos(stack: MotoStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Videos]:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    yield Videos(stack)
    assert list(scratch.iterdir()) == [], "the function leaves nothing behind"


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Two seconds with sound."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    shoot(path, seconds=2.0, sound=True)
    return path.read_bytes()
