"""EventBridge Scheduler: invokes the functions that schedules name, when the world's clock says so."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.runtime.timescale import TimeScale
from embedded_aws.schedule_expressions import parse
from embedded_aws.world import World, WorldError

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 0.3  # between two looks at the schedules; the service itself is exact to a minute
_COMPARED = (
    "ScheduleExpression", "ScheduleExpressionTimezone", "State", "StartDate", "EndDate", "Target",
)  # fmt: skip


@dataclass
class _Followed:
    settings: Mapping[str, Any]
    since: datetime
    after: datetime


class Schedules:
    """Context manager: while it is open, the world's enabled schedules invoke their functions.

    A function gets its event asynchronously, by the schedule's own role. Time passes as the time scale says. Times
    that pass between two looks count as one. What the role may not do is in `faults`, and not tried again.
    """

    def __init__(self, world: World, timescale: TimeScale | None = None) -> None:
        self._world = world
        self._factor = (timescale or TimeScale()).factor
        self._began = time.time()
        self._monotonic = time.monotonic()
        self._followed: dict[str, _Followed] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="schedules", daemon=True)
        self.faults: list[str] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._thread.join()

    def now(self) -> datetime:
        """Return the world's time: that of this machine, but for a time scale."""
        elapsed = (time.monotonic() - self._monotonic) / self._factor
        return datetime.fromtimestamp(self._began, UTC) + timedelta(seconds=elapsed)

    def invoke(self, name: str, *, group: str = "default", kind: str = "Event") -> Any:
        """Do what a schedule does when its time has come: invoke its function, as its role; return Lambda's answer.

        EventBridge Scheduler itself does not wait for the function (`kind` Event). Raises WorldError where the role
        does not trust the scheduler, ClientError where it may not invoke the function.
        """
        target = self._world.client("scheduler").get_schedule(GroupName=group, Name=name)["Target"]
        role = self._world.assume_role(target["RoleArn"], session_name="schedule", service="scheduler")
        return self._world.client("lambda", role).invoke(
            FunctionName=target["Arn"], InvocationType=kind, Payload=target.get("Input", "{}")
        )

    def _follow(self) -> None:
        while not self._stopped.wait(_LOOK_SECONDS):
            try:
                self._look()
            except (ClientError, BotoCoreError) as error:
                # One that is just being deleted: the next look does not find it.
                _log.info("schedules cannot be read now: %s", error)

    def _look(self) -> None:
        scheduler, now = self._world.client("scheduler"), self.now()
        pages = scheduler.get_paginator("list_schedules").paginate()
        listed = [schedule for page in pages for schedule in page["Schedules"]]
        self._followed = {
            schedule["Arn"]: followed
            for schedule in listed
            if (followed := self._followed.get(schedule["Arn"])) is not None
        }
        for schedule in listed:
            found = scheduler.get_schedule(GroupName=schedule["GroupName"], Name=schedule["Name"])
            if self._is_due(found, now):
                self._invoke(found)

    def _is_due(self, schedule: Mapping[str, Any], now: datetime) -> bool:
        settings = {name: schedule.get(name) for name in _COMPARED}
        followed = self._followed.get(schedule["Arn"])
        if followed is None or followed.settings != settings:
            since = max(now, schedule.get("StartDate") or now)
            followed = _Followed(settings, since, since - timedelta(microseconds=1))
            self._followed[schedule["Arn"]] = followed
        if schedule["State"] != "ENABLED":
            return False
        expression = parse(schedule["ScheduleExpression"], schedule["ScheduleExpressionTimezone"])
        due = expression.following(followed.after, followed.since)
        if due is None or due > now or due > (schedule.get("EndDate") or due):
            return False
        followed.after = now
        return True

    def _invoke(self, schedule: Mapping[str, Any]) -> None:
        name, group = schedule["Name"], schedule["GroupName"]
        try:
            self.invoke(name, group=group)
        except (ClientError, BotoCoreError, WorldError) as error:
            self.faults.append(f"the schedule {name} could not invoke its target: {error}")
            _log.warning("the schedule %s could not invoke its target: %s", name, error)
        expression = parse(schedule["ScheduleExpression"], schedule["ScheduleExpressionTimezone"])
        if not expression.repeats and schedule.get("ActionAfterCompletion") == "DELETE":
            self._world.client("scheduler").delete_schedule(GroupName=group, Name=name)
