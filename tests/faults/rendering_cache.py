"""Caches for what the functions compute: it depends only on the input, and the same few originals occur repeatedly.

The transcoding of a video takes virtual time, with the same progress calls as the real one.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

from media_pipeline.processing import image, video

ENCODINGS = 2  # of a picture, after its judging began
PARTS = 5  # of a transcoding, with a progress call after each
PART_SHARE = (
    4 / 225
)  # of the time-out, that a part takes: all together so long that the lease is extended meanwhile

Patch = AbstractContextManager[Any]


Rendered = Callable[[Sequence[bytes]], None]


def cached_rendering(rendered_pictures: Rendered, encode: Callable[[], None]) -> Iterator[Patch]:
    """Cache renditions by the bytes of the original; report the pictures to be judged each time.

    `encode` lets virtual time pass as encoding does: after the pictures to judge are known.
    """
    render: Any = vars(image).get("render")
    if render is None:
        return  # a mutation renamed it: without the cache the run is slower, and just as valid
    made: dict[tuple[bytes, str], Any] = {}

    def rendered(data: bytes, inspection: Any, specs: Any, limits: Any, judging: Any) -> Any:
        name = data, repr((inspection, specs, limits))
        if name not in made:
            made[name] = render(data, inspection, specs, limits)
        rendered_pictures(made[name].proxies)
        judging.begin(made[name].proxies)

        def encoders() -> Iterator[Callable[[], None]]:
            for _ in range(ENCODINGS):
                judging.check()
                yield encode

        for _ in judging.encode(encoders()):
            """What they make is in the cache."""
        return made[name]

    yield mock.patch.object(image, "render", rendered)


def cached_transcoding(rendered_pictures: Rendered) -> Iterator[Patch]:
    """Cache the published file of a video and the pictures of its judged frames by the bytes of the original."""
    transcode: Any = vars(video).get("transcode")
    render: Any = vars(video.VideoProcessor).get("_render")
    if transcode is None or render is None:
        return
    films: dict[tuple[bytes, str], tuple[bytes, Any]] = {}
    pictures: dict[tuple[bytes, str], Any] = {}

    def transcoded(source: Any, target: Path, *, on_progress: Callable[[float], None], **how: Any) -> Any:
        name = _bytes_of(source), repr(sorted(how.items()))
        if name not in films:
            made = transcode(source, target, on_progress=on_progress, **how)
            films[name] = target.read_bytes(), made
        data, made = films[name]
        target.write_bytes(data)
        return replace(made, path=target)

    def rendered(self: Any, fetched: Any, made: Any, *rest: Any) -> Any:
        how = self._settings.specs, self._settings.moderation_frames, made.frames
        name = fetched.path.read_bytes(), repr(how)
        if name not in pictures:
            pictures[name] = render(self, fetched, made, *rest)
        everything = pictures[name]
        rendered_pictures(everything.proxies)
        film, *posters = everything.renditions
        return replace(everything, renditions=(replace(film, path=made.path), *posters))

    yield mock.patch.object(video, "transcode", transcoded)
    yield mock.patch.object(video.VideoProcessor, "_render", rendered)


def transcoding_takes_time(
    sleep: Callable[[float], None], part_seconds: Callable[[], float]
) -> Iterator[Patch]:
    """Let virtual time pass during a transcoding, and give each invocation its own /tmp."""
    transcode: Any = vars(video).get("transcode")
    if transcode is None:
        return

    def transcoded(source: Any, target: Path, *, on_progress: Callable[[float], None], **how: Any) -> Any:
        made = transcode(source, target, on_progress=lambda _: None, **how)
        for part in range(PARTS):
            sleep(part_seconds())
            on_progress((part + 1) / PARTS)
        return made

    @contextmanager
    def scratch() -> Iterator[Path]:
        # The real one removes what a killed process left behind; here all invocations share one process.
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)

    yield mock.patch.object(video, "transcode", transcoded)
    yield mock.patch.object(video, "_scratch", scratch)


def _bytes_of(source: Any) -> bytes:
    return Path(source.container.name).read_bytes()
