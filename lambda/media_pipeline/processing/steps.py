"""Measures and traces the steps of an attempt."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from media_pipeline.observability import Observability


class Steps:
    """A stopwatch per step: `with steps("fetch"): ...`; a step that is entered twice adds up."""

    def __init__(self, observability: Observability, object_key: str) -> None:
        self._observability = observability
        self._object_key = object_key
        self._began = time.perf_counter()
        self._seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Time a step and trace it as a subsegment."""
        began = time.perf_counter()
        try:
            with self._observability.segment(name):
                self._observability.about(self._object_key)
                yield
        finally:
            self._seconds[name] = self._seconds.get(name, 0.0) + time.perf_counter() - began

    def milliseconds(self) -> dict[str, float]:
        """Return milliseconds by step, with the `total` since the attempt began."""
        taken = {**self._seconds, "total": time.perf_counter() - self._began}
        return {name: round(seconds * 1000, 1) for name, seconds in taken.items()}
