"""Processes that compare files one by one: a decoder that crashes or hangs costs one file, not the whole run."""

import multiprocessing
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.second_opinion import ours, peers
from benchmarks.second_opinion.ours import Opinion
from benchmarks.second_opinion.views import View

TIMEOUT = 180.0  # seconds for one file, all programs together
_START = 120.0  # seconds until a process has imported everything
PEERS = ("libvips", "ffmpeg")

File = tuple[str, bytes]


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What all programs show of one file."""

    name: str
    ours: Opinion
    views: dict[str, View] = field(default_factory=dict)
    """By peer."""
    refusals: dict[str, str] = field(default_factory=dict)
    """By peer, why it shows nothing."""
    crash: str = ""
    """What happened to the process, where it died of the file."""


def show(name: str, data: bytes, available: tuple[str, ...] = PEERS) -> Shown:
    """Have each program show a file; where the pipeline rejects it, only if they find nothing wrong with it."""
    opinion = ours.opinion(data)
    is_strict = opinion.view is None
    shown = Shown(name=name, ours=opinion)
    is_video = opinion.content_type.startswith("video/")
    for peer in available:
        try:
            if peer == "ffmpeg":
                times = (opinion.times or (0.0,)) if is_video else None
                shown.views[peer] = peers.by_ffmpeg(data, times, is_strict=is_strict)
            elif not is_video:
                shown.views[peer] = peers.by_libvips(data, is_strict=is_strict)
        except peers.NoViewError as error:
            shown.refusals[peer] = str(error)
    return shown


def show_all(files: Iterator[File], available: tuple[str, ...], workers: int) -> Iterator[Shown]:
    """Yield what is shown of each file, in any order, as it comes."""
    results: list[Shown] = []
    changed = threading.Condition()
    running = workers
    lock = threading.Lock()

    def one_more() -> File | None:
        with lock:
            return next(files, None)

    def drive() -> None:
        nonlocal running
        try:
            for shown in _driven(one_more, available):
                with changed:
                    results.append(shown)
                    changed.notify()
        finally:
            with changed:
                running -= 1
                changed.notify()

    for _ in range(workers):
        threading.Thread(target=drive, daemon=True).start()
    while True:
        with changed:
            changed.wait_for(lambda: results or not running)
            if not results:
                return
            ready, results[:] = list(results), []
        yield from ready


def _driven(one_more: Callable[[], File | None], available: tuple[str, ...]) -> Iterator[Shown]:
    """Hand file after file to a process, and to another one after it died."""
    context = multiprocessing.get_context("spawn")
    while (file := one_more()) is not None:
        near, far = context.Pipe()
        process = context.Process(target=_serve, args=(far, available), daemon=True)
        process.start()
        far.close()
        try:
            _received(near, _START)
            while file is not None:
                near.send(file)
                yield _received(near, TIMEOUT)
                file = one_more()
        except (EOFError, BrokenPipeError, TimeoutError) as error:
            if file is None:
                raise
            process.kill()
            process.join()
            what = "hangs" if isinstance(error, TimeoutError) else f"exit code {process.exitcode}"
            yield Shown(name=file[0], ours=Opinion(content_type="", view=None), crash=what)
        finally:
            process.kill()
            process.join()
            near.close()


def _received(connection: Connection, seconds: float) -> Any:
    if not connection.poll(seconds):
        raise TimeoutError
    return connection.recv()


def _serve(connection: Connection, available: tuple[str, ...]) -> None:
    connection.send("ready")
    while True:
        try:
            name, data = connection.recv()
        except EOFError:
            return
        connection.send(show(name, data, available))
