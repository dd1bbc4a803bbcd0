"""Invalidations take a while; a known reference makes no new one, and too many at once are refused.

AWS: 15 paths that end in a wildcard may be in progress at once, and beside them 3,000 others; a batch with the
`CallerReference` of an earlier one, and the same paths, is answered with that one. (CloudFront Developer Guide,
"Concurrent invalidation request maximum"; CloudFront API Reference, "InvalidationBatch".)
moto: takes any number, each a new one, and all are complete at once.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from embedded_aws.moto_replacement import replace

SECONDS = 10.0
"""For how long each is in progress: CloudFront promises nothing, and most take less."""
_WILDCARDS, _FILES = 15, 3_000


@dataclass
class _Pace:
    """How long invalidations take, and by which clock; the same for all worlds of the process."""

    seconds: float = SECONDS
    clock: Callable[[], float] = time.monotonic


_PACE = _Pace()


@contextmanager
def paced(seconds: float, clock: Callable[[], float]) -> Iterator[None]:
    """Have each invalidation take so many seconds of this clock meanwhile."""
    before = _PACE.seconds, _PACE.clock
    _PACE.seconds, _PACE.clock = seconds, clock
    try:
        yield
    finally:
        _PACE.seconds, _PACE.clock = before


def made_at(invalidation: Any) -> float:
    """Return when moto's invalidation was asked for, by the clock of `paced`."""
    return float(invalidation.__dict__["made_at"])


def apply() -> None:
    """Count what is in progress before taking more."""
    from moto.cloudfront.exceptions import CloudFrontException
    from moto.cloudfront.models import CloudFrontBackend, Invalidation

    def create_invalidation(self: Any, dist_id: str, paths: list[str], caller_ref: str) -> Any:
        before = self.invalidations.get(dist_id, [])
        for known in before:
            if known.caller_ref == caller_ref:
                if sorted(known.paths) != sorted(paths):
                    raise CloudFrontException("InvalidArgument", "The caller reference is of another batch.")
                return known
        pending = [path for each in before if each.status == "InProgress" for path in each.paths]
        for most, counted in ((_WILDCARDS, _wild), (_FILES, _single)):
            if counted(paths) and counted(pending) + counted(paths) > most:
                raise CloudFrontException(
                    "TooManyInvalidationsInProgress", "Your request exceeds the number of allowed paths."
                )
        made = original(self, dist_id, paths, caller_ref)
        made.__dict__["made_at"] = _PACE.clock()
        return made

    def keep_nothing(_: Any, __: str) -> None:
        """Ignore what moto sets: only the clock decides."""

    def status(self: Any) -> str:
        begun = self.__dict__.get("made_at")
        is_over = begun is not None and _PACE.clock() - begun >= _PACE.seconds
        return "Completed" if is_over else "InProgress"

    original = replace(CloudFrontBackend, "create_invalidation", create_invalidation)
    setattr(Invalidation, "status", property(status, keep_nothing))  # noqa: B010 - moto types it as text


def _wild(paths: Iterable[str]) -> int:
    return sum(path.endswith("*") for path in paths)


def _single(paths: Iterable[str]) -> int:
    return sum(not path.endswith("*") for path in paths)
