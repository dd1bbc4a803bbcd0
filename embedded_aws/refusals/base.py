"""An entry of the list of refusals."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from embedded_aws.calls import RefusedError

Parameters = Mapping[str, Any]
Check = Callable[[Parameters], None]


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """One rule of AWS that moto does not have (or not fully): which calls it is about, and the check.

    `check` gets the call's parameters and raises RefusedError with AWS's code.
    """

    rule: str
    service: str
    operations: frozenset[str]
    check: Check


def refusal(rule: str, service: str, *operations: str) -> Callable[[Check], Refusal]:
    """Declare the decorated function the check of `rule`, a sentence, for these operations."""

    def entry(check: Check) -> Refusal:
        return Refusal(rule=rule, service=service, operations=frozenset(operations), check=check)

    return entry


def within(value: Any, least: int, most: int) -> bool:
    """Return whether a number, perhaps as text, lies within AWS's bounds; text that is not a number does not."""
    try:
        return least <= int(value) <= most
    except (TypeError, ValueError):
        return False


def refuse(code: str, message: str, status: int = 400) -> RefusedError:
    """Return the error to raise."""
    return RefusedError(code, message, status)
