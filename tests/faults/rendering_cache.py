"""What the functions compute, done once: it depends on nothing but what it is given, and the same few originals come
again and again. A video's making lasts in virtual time instead, with the looks at the clock that it has in earnest.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

from media_pipeline.processing import image, video

PARTS = 5  # of a video's making, with a look at the clock after each
PART_SECONDS = 4.0  # long enough together for the lease to be extended meanwhile

Patch = AbstractContextManager[Any]


def rendering_once() -> Iterator[Patch]:
    """Remember what was made of which bytes."""
    render: Any = vars(image).get("render")
    if render is None:
        return  # somebody's patch calls it otherwise: slower, no less right
    made: dict[tuple[bytes, str], Any] = {}

    def rendered(data: bytes, *how: Any) -> Any:
        name = data, repr(how)
        if name not in made:
            made[name] = render(data, *how)
        return made[name]

    yield mock.patch.object(image, "render", rendered)


def filming_once() -> Iterator[Patch]:
    """The same for videos: the file that is published, and the pictures of its judged frames."""
    transcode: Any = vars(video).get("transcode")
    render: Any = vars(video.VideoProcessor).get("_render")
    if transcode is None or render is None:
        return
    films: dict[tuple[bytes, str], tuple[bytes, Any]] = {}
    pictures: dict[tuple[bytes, str], Any] = {}

    def transcoded(source: Any, target: Path, *, watch: Callable[[float], None], **how: Any) -> Any:
        name = _bytes_of(source), repr(sorted(how.items()))
        if name not in films:
            made = transcode(source, target, watch=watch, **how)
            films[name] = target.read_bytes(), made
        data, made = films[name]
        target.write_bytes(data)
        return replace(made, path=target)

    def rendered(self: Any, fetched: Any, made: Any, attempt: Any) -> Any:
        how = self._settings.specs, self._settings.moderation_frames, made.frames
        name = fetched.path.read_bytes(), repr(how)
        if name not in pictures:
            pictures[name] = render(self, fetched, made, attempt)
        everything = pictures[name]
        film, *posters = everything.renditions
        return replace(everything, renditions=(replace(film, path=made.path), *posters))

    yield mock.patch.object(video, "transcode", transcoded)
    yield mock.patch.object(video.VideoProcessor, "_render", rendered)


def lasting(sleep: Callable[[float], None]) -> Iterator[Patch]:
    """Let virtual time pass while a video is made, and give each invocation a /tmp of its own."""
    transcode: Any = vars(video).get("transcode")
    if transcode is None:
        return

    def transcoded(source: Any, target: Path, *, watch: Callable[[float], None], **how: Any) -> Any:
        made = transcode(source, target, watch=lambda _: None, **how)
        for part in range(PARTS):
            sleep(PART_SECONDS)
            watch((part + 1) / PARTS)
        return made

    @contextmanager
    def scratch() -> Iterator[Path]:
        # The real one clears away what a killed process left: here all invocations are one process.
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)

    yield mock.patch.object(video, "transcode", transcoded)
    yield mock.patch.object(video, "_scratch", scratch)


def _bytes_of(source: Any) -> bytes:
    return Path(source.container.name).read_bytes()
