"""Limits of a caller: token buckets, and quotas by day, week or month."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

_DAY = 86_400


@dataclass
class _Bucket:
    tokens: float
    seen: float


class Throttle:
    """Token buckets by caller: `rate` a second on average, `burst` at once. Thread-safe.

    Limits are given with each request, since they may be changed at any time.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: dict[Hashable, _Bucket] = {}
        self._lock = threading.Lock()

    def admits(self, caller: Hashable, rate: float, burst: int) -> bool:
        """Take a token, if there is one."""
        now = self._clock()
        with self._lock:
            bucket = self._buckets.setdefault(caller, _Bucket(float(burst), now))
            bucket.tokens = min(float(burst), bucket.tokens + (now - bucket.seen) * rate)
            bucket.seen = now
            if bucket.tokens < 1:
                return False
            bucket.tokens -= 1
            return True


class Quota:
    """Requests by caller and period, which begins at midnight UTC. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._used: dict[Hashable, tuple[int, int]] = {}
        self._lock = threading.Lock()

    def admits(self, caller: Hashable, limit: int, period: str) -> bool:
        """Count one request, unless that were more than `limit` in the `period`: DAY, WEEK or MONTH."""
        current = self._period(period)
        with self._lock:
            began, used = self._used.get(caller, (current, 0))
            if began != current:
                used = 0
            if used >= limit:
                return False
            self._used[caller] = (current, used + 1)
            return True

    def _period(self, period: str) -> int:
        now = self._clock()
        if period == "MONTH":
            year_and_month = time.gmtime(now)[:2]
            return year_and_month[0] * 12 + year_and_month[1]
        days = int(now // _DAY)
        return days if period == "DAY" else (days + 3) // 7  # day 0 was a Thursday; weeks begin on Monday
