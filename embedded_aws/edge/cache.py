"""What an edge location keeps, and for how long.

After the CloudFront Developer Guide, "Manage how long content stays in the cache (expiration)", "Invalidate files to
remove content" and "How CloudFront caches HTTP 4xx and 5xx status codes".
"""

import re
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

from embedded_aws.edge.distributions import Lifetimes
from embedded_aws.edge.origin import Response

ERROR_SECONDS = 10.0
"""For how long an error is kept where the distribution says nothing: the default of the error caching minimum TTL."""
_ERRORS = frozenset({400, 403, 404, 405, 410, 412, 414, 415, 416, 500, 501, 502, 503, 504})
_BYTES = 256 * 1024 * 1024
_DIRECTIVE = re.compile(r"(?P<name>[a-z-]+)(?:=\"?(?P<value>[0-9]+)\"?)?")


@dataclass(frozen=True, kw_only=True)
class Kept:
    """An answer of the origin, and when it was asked for; times are of the cache's clock."""

    response: Response
    asked_at: float
    fresh_until: float


@dataclass(frozen=True, kw_only=True)
class Invalidation:
    """A finished request to forget what was under some paths; a `*` at the end of a path stands for anything."""

    asked_at: float
    paths: tuple[str, ...]

    def covers(self, path: str) -> bool:
        """Return whether one of its paths is, or begins, this path."""
        return any(path.startswith(each[:-1]) if each.endswith("*") else path == each for each in self.paths)


class Cache:
    """Answers by distribution and path; the oldest give way once there are too many bytes. Not thread-safe."""

    def __init__(self, most_bytes: int = _BYTES) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._kept: OrderedDict[tuple[str, str], Kept] = OrderedDict()

    def find(self, distribution: str, path: str, finished: Iterable[Invalidation]) -> Kept | None:
        """Return what is kept under a path, fresh or not, unless a finished invalidation covers it.

        What was fetched after an invalidation had been asked for is not forgotten: the edge location may have carried
        it out before.
        """
        kept = self._kept.get((distribution, path))
        if kept is None:
            return None
        if any(each.asked_at >= kept.asked_at and each.covers(path) for each in finished):
            self._remove((distribution, path))
            return None
        return kept

    def keep(self, distribution: str, path: str, kept: Kept) -> None:
        """Keep an answer in place of an earlier one."""
        self._remove((distribution, path))
        self._kept[distribution, path] = kept
        self._bytes += len(kept.response.body)
        while self._bytes > self._most_bytes:
            self._remove(next(iter(self._kept)))

    def _remove(self, place: tuple[str, str]) -> None:
        if (kept := self._kept.pop(place, None)) is not None:
            self._bytes -= len(kept.response.body)


def seconds_kept(response: Response, lifetimes: Lifetimes) -> float:
    """Return for how many seconds an edge location keeps an answer without asking the origin again.

    `Expires` is not looked at: no origin here sends it.
    """
    if response.status in _ERRORS:
        return ERROR_SECONDS
    said = response.headers.get("cache-control", "").lower()
    directives = {found["name"]: found["value"] for found in _DIRECTIVE.finditer(said)}
    if directives.keys() & {"no-cache", "no-store", "private"}:
        return lifetimes.least
    for name in ("s-maxage", "max-age"):
        if directives.get(name) is not None:
            return min(max(float(directives[name]), lifetimes.least), lifetimes.most)
    return min(max(lifetimes.usual, lifetimes.least), lifetimes.most)
