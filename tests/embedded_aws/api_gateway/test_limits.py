"""Token buckets and quotas, on a clock of the test's own."""

from calendar import timegm

from hypothesis import given
from hypothesis import strategies as st

from embedded_aws.api_gateway.limits import Quota, Throttle


class Clock:
    """Time that only the test moves."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@given(
    rate=st.integers(1, 50),
    burst=st.integers(1, 50),
    pauses=st.lists(st.floats(0, 2, allow_nan=False), min_size=1, max_size=80),
)
def test_never_more_than_burst_and_rate_allow_in_any_time(rate: int, burst: int, pauses: list[float]) -> None:
    clock = Clock()
    throttle = Throttle(clock)
    admitted = []
    for pause in pauses:
        clock.now += pause
        if throttle.admits("who", rate, burst):
            admitted.append(clock.now)
    for index, begin in enumerate(admitted):
        for count, end in enumerate(admitted[index:], start=1):
            assert count <= burst + rate * (end - begin) + 1e-6


def test_callers_do_not_share_their_tokens() -> None:
    throttle = Throttle(Clock())
    assert throttle.admits("a", 1, 1)
    assert not throttle.admits("a", 1, 1)
    assert throttle.admits("b", 1, 1)


def test_a_days_quota_is_reset_at_midnight_utc() -> None:
    clock = Clock(timegm((2026, 3, 31, 23, 59, 58)))
    quota = Quota(clock)
    assert [quota.admits("who", 2, "DAY") for _ in range(3)] == [True, True, False]
    clock.now += 3
    assert quota.admits("who", 2, "DAY")


def test_weeks_begin_on_monday_and_months_on_their_first() -> None:
    clock = Clock(timegm((2026, 3, 29, 12, 0, 0)))  # a Sunday
    quota = Quota(clock)
    assert quota.admits("week", 1, "WEEK")
    assert quota.admits("month", 1, "MONTH")
    clock.now += 86_400
    assert quota.admits("week", 1, "WEEK")
    assert not quota.admits("month", 1, "MONTH")
    clock.now += 2 * 86_400
    assert not quota.admits("week", 1, "WEEK")
    assert quota.admits("month", 1, "MONTH")
