"""The strict list of what AWS refuses and moto accepts. Each entry is tested.

AWS's silences, which are as strict, live where they happen: 403 instead of 404 without `s3:ListBucket`
(`embedded_aws.access.enforcement`), no ObjectRemoved event for lifecycle expiry, and events dropped where the queue's
policy no longer permits them (`embedded_aws.s3.events`).
"""

from collections import defaultdict
from typing import Final

from embedded_aws.calls import Call
from embedded_aws.refusals import apis, functions, messaging, monitoring, roles, storage, tables, tags
from embedded_aws.refusals.base import Refusal

__all__ = ["REFUSALS", "Refusal", "judge"]

REFUSALS: Final[tuple[Refusal, ...]] = (
    *storage.REFUSALS,
    *messaging.REFUSALS,
    *functions.REFUSALS,
    *monitoring.REFUSALS,
    *tables.REFUSALS,
    *roles.REFUSALS,
    *apis.REFUSALS,
    *tags.REFUSALS,
)

_by_call: dict[tuple[str, str], list[Refusal]] = defaultdict(list)
for _entry in REFUSALS:
    for _operation in _entry.operations:
        _by_call[_entry.service, _operation].append(_entry)


def judge(call: Call) -> None:
    """Raises RefusedError for the first rule that a call breaks."""
    for entry in _by_call.get((call.service, call.operation), ()):
        entry.check(call.parameters)
