"""CloudFront in the simulation, in the worst case that it allows: readers have everything from it, all the time.

Whatever was put is kept at the edge from the moment on. An invalidation drops what it covers and what is gone from the
bucket by then; what is still there would be fetched again at once. Nothing ever expires.
"""

from collections.abc import Callable, Iterator
from urllib.parse import quote

from botocore.awsrequest import AWSResponse

from tests.faults.error_responses import answer
from tests.faults.fault_injection import Call
from tests.faults.history import History
from tests.faults.record_items import Item, version_of
from tests.faults.simulated_stack import RENDITIONS, SimulatedStack

_TAKEN = (
    '<Invalidation xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/"><Id>{0}</Id><Status>InProgress</Status>'
    "<CreateTime>2027-01-01T00:00:00Z</CreateTime><InvalidationBatch><Paths><Quantity>0</Quantity></Paths>"
    "<CallerReference>{0}</CallerReference></InvalidationBatch></Invalidation>"
)


class EdgeChecker:
    """The edge, and that it forgets what is removed before anybody is told; idle where the stack has none."""

    def __init__(self, stack: SimulatedStack, history: History, add_violation: Callable[[str], None]) -> None:
        self._stack = stack
        self._history = history
        self._add_violation = add_violation
        self._kept: set[str] = set()
        self._references: set[str] = set()

    def after_call(self, call: Call) -> None:
        """Let readers have what was put."""
        is_put = call.operation == "PutObject" and call.params.get("Bucket") == RENDITIONS
        if is_put and call.invocation.deployment.cdn:
            self._kept.add(str(call.params["Key"]))

    def answer(self, call: Call) -> AWSResponse:
        """Take an invalidation, and carry it out; a known reference makes no new one."""
        batch = call.params["InvalidationBatch"]
        reference, paths = str(batch["CallerReference"]), list(batch["Paths"]["Items"])
        if reference not in self._references:
            self._references.add(reference)
            there = self._stack.objects(RENDITIONS).keys()
            self._kept -= {key for key in self._kept - there if _is_covered(key, paths)}
        return answer(201, {"Content-Type": "text/xml"}, _TAKEN.format(reference).encode())

    def announced(self, announcement: Item) -> None:
        """Check that an outcome that publishes nothing is announced only once the edge was asked to forget it."""
        if announcement["status"] == "PUBLISHED":
            return
        key = str(announcement["object_key"])
        upload = self._history.uploads.get((key, version_of(announcement)))
        prefix = upload.prefix if upload is not None else f"{key}/"  # a delete marker is about all versions
        if left := [key for key in self._gone() if key.startswith(prefix)]:
            self._add_violation(
                f"{announcement['status']} of {prefix} was announced, and the edge was not asked to forget {left}"
            )

    def left(self) -> Iterator[str]:
        """Yield what the edge delivers at the end although it is gone from the bucket."""
        for key in self._gone():
            yield f"rendition {key} is gone, and the edge delivers it for ever"

    def _gone(self) -> list[str]:
        return sorted(self._kept - self._stack.objects(RENDITIONS).keys()) if self._kept else []


def _is_covered(key: str, paths: list[str]) -> bool:
    """Return whether an invalidation covers a key under each spelling of its address."""
    spellings = (f"/{quote(key)}", f"/{quote(key, safe='/+')}", f"/{key}")
    return all(
        any(spelled.startswith(path[:-1]) if path.endswith("*") else spelled == path for path in paths)
        for spelled in spellings
    )
