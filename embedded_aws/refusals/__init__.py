"""The strict list of what AWS refuses and moto accepts. Each entry is tested.

An entry is a function with the decorator `refusal`, in the module of its service; it is found there. What AWS refuses
elsewhere is as strict: 403 instead of 404 without `s3:ListBucket` (`embedded_aws.access.enforcement`), no ObjectRemoved
event for lifecycle expiry, and no event where the destination's policy does not permit it (`embedded_aws.s3.events`).
"""

import pkgutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import Final

from embedded_aws.calls import Call
from embedded_aws.refusals.base import Refusal

__all__ = ["REFUSALS", "Refusal", "by_call", "judge"]

REFUSALS: Final[tuple[Refusal, ...]] = tuple(
    entry
    for found in pkgutil.iter_modules(__path__)
    for entry in vars(import_module(f"{__name__}.{found.name}")).values()
    if isinstance(entry, Refusal)
)


@cache
def by_call() -> Mapping[tuple[str, str], Sequence[Refusal]]:
    """Return the entries by service and operation."""
    found: dict[tuple[str, str], list[Refusal]] = defaultdict(list)
    for entry in REFUSALS:
        for operation in entry.operations:
            found[entry.service, operation].append(entry)
    return found


def judge(call: Call) -> None:
    """Raise RefusedError for the first rule that a call breaks."""
    for entry in by_call().get((call.service, call.operation), ()):
        entry.check(call.parameters)
