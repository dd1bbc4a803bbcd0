"""Which calls to Rekognition may be billed: the client counts its HTTP requests, and who made the call looks.

The SDK repeats a request whose answer was lost, and tells only how the last one ended. AWS may have carried out, and
bills, the earlier ones.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass
class BilledCall:
    """A call, and how many of its HTTP requests were sent that AWS may have carried out."""

    requests: int = 0


_under_way: ContextVar[BilledCall | None] = ContextVar("billed_call", default=None)


@contextmanager
def billed_call() -> Iterator[BilledCall]:
    """Yield the call that this thread makes in the context, with what is counted of it."""
    call = BilledCall()
    token = _under_way.set(call)
    try:
        yield call
    finally:
        _under_way.reset(token)


def count_request(requests: int) -> None:
    """Count an HTTP request of the call that this thread makes: 1 when it is sent, -1 where AWS did not take it."""
    if (call := _under_way.get()) is not None:
        call.requests += requests
