"""What a stack does, as it happens, from the functions' logs: outcomes, and messages that come back after an error."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from operations.ages import iso
from operations.errors import OperationsError
from operations.stack import StackOutputs

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient

OUTCOMES: Final = "log_notification_function"
"""Output of the function whose log has one line for each announced outcome."""
WORKERS: Final = ("process_image_function", "process_video_function")
HANDED_BACK: Final = "message handed back"
INTERVAL: Final = 2.0
"""Seconds between two looks: three groups then need less than the five requests a second that an account may make
(CloudWatch Logs quotas, FilterLogEvents)."""
LATE: Final = 30.0
"""Seconds that a line may take to be found after its time."""


@dataclass(frozen=True)
class Happening:
    """One line of a log that operators want to see; `at` is in epoch seconds."""

    at: float
    facts: Mapping[str, Any]

    @property
    def is_outcome(self) -> bool:
        """Whether it is an outcome, and not a message that was handed back."""
        return "status" in self.facts

    def line(self) -> str:
        """Describe it in one line."""
        facts = self.facts
        begin = f"{iso(self.at)}  {facts['status'] if self.is_outcome else 'RETRY':<10}"
        what = repr(facts.get("object_key", "?"))
        if not self.is_outcome:
            return f"{begin} {what}  {facts.get('message', '')}"
        seconds = (facts.get("milliseconds") or {}).get("total", 0) / 1000
        why = ": ".join(str(facts[name]) for name in ("reason", "detail") if facts.get(name))
        files = f"{len(facts['sizes'])} files" if facts.get("sizes") else ""
        return "  ".join(part for part in (f"{begin} {what}", f"{seconds:.1f} s", files, why) if part)


class Tail:
    """Reads the logs of a stack's functions again and again; changes nothing. `clock` gives epoch seconds."""

    def __init__(
        self,
        *,
        outputs: StackOutputs,
        awslambda: "LambdaClient",
        logs: "CloudWatchLogsClient",
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._outputs = outputs
        self._lambda = awslambda
        self._logs = logs
        self._clock = clock
        self._sleep = sleep

    def follow(self, since: float, *, once: bool = False) -> Iterator[Happening]:
        """Yield what happened since a time in epoch seconds, oldest first, and go on until interrupted.

        With `once` end after what is there. Raises OperationsError where the outputs name no function, and what boto3
        raises.
        """
        groups = list(self._groups())
        seen: dict[str, float] = {}
        begin = since
        while True:
            looked_at = self._clock()
            found = [each for group in groups for each in self._new(*group, begin, seen)]
            yield from sorted(found, key=lambda happening: happening.at)
            if once:
                return
            begin = max(since, looked_at - LATE)
            seen = {event: at for event, at in seen.items() if at >= begin}
            self._sleep(INTERVAL)

    def _groups(self) -> Iterator[tuple[str, str]]:
        """Yield each log group with the pattern of the lines that matter in it."""
        named = self._outputs.named
        if OUTCOMES not in named:
            raise OperationsError(f"the stack's outputs have no {OUTCOMES}; `pulumi up` writes it")
        for output in (OUTCOMES, *WORKERS):
            if function := named.get(output):
                shown: Any = self._lambda.get_function_configuration(FunctionName=function)
                group = shown.get("LoggingConfig", {}).get("LogGroup") or f"/aws/lambda/{function}"
                yield group, '"alert_id"' if output == OUTCOMES else f'"{HANDED_BACK}"'

    def _new(self, group: str, pattern: str, begin: float, seen: dict[str, float]) -> Iterator[Happening]:
        pages = self._logs.get_paginator("filter_log_events").paginate(
            logGroupName=group, startTime=int(begin * 1000), filterPattern=pattern
        )
        for event in (event for page in pages for event in page["events"]):
            at = event["timestamp"] / 1000
            if event["eventId"] in seen or at < begin:
                continue
            seen[event["eventId"]] = at
            facts = _facts(event["message"])
            if facts is not None:
                yield Happening(at, facts)


def _facts(line: str) -> dict[str, Any] | None:
    """Return the JSON object of a line that is an outcome, or about a message that was handed back; else None."""
    try:
        facts = json.loads(line)
    except ValueError:
        return None  # Lambda's own lines are text
    if not isinstance(facts, dict):
        return None
    is_outcome = "status" in facts and "object_key" in facts
    return facts if is_outcome or str(facts.get("message", "")).startswith(HANDED_BACK) else None
