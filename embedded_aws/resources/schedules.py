"""EventBridge Scheduler: schedules."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from embedded_aws.resources.base import AutoName, Aws, Handler, Inputs, State, capitalised, pages

_GROUP = "default"


class Schedule(Handler):
    """A schedule of the default group; the id is `group/name`, as the provider writes it."""

    type_name = "aws:scheduler/schedule:Schedule"
    resource = "scheduler.Schedule"
    service = "scheduler"
    _plain = (
        "description",
        "scheduleExpression",
        "scheduleExpressionTimezone",
        "state",
        "flexibleTimeWindow",
    )
    carries = frozenset(
        {
            "name",
            "description",
            "scheduleExpression",
            "scheduleExpressionTimezone",
            "state",
            "flexibleTimeWindow.mode",
            "flexibleTimeWindow.maximumWindowInMinutes",
            "target.arn",
            "target.roleArn",
            "target.input",
            "target.retryPolicy.maximumRetryAttempts",
            "target.retryPolicy.maximumEventAgeInSeconds",
        }
    )
    replaces = frozenset({"name"})
    autoname = AutoName(input="name", max_length=64)
    defaults: ClassVar[Mapping[str, Any]] = {"state": "ENABLED", "scheduleExpressionTimezone": "UTC"}

    @classmethod
    def existing(cls, aws: Aws) -> Iterator[str]:
        """Yield all schedules of all groups."""
        yield from (schedule["Arn"] for schedule in pages(aws, "scheduler", "list_schedules", "Schedules"))

    def create(self, inputs: Inputs) -> str:
        """Create the schedule."""
        self.aws.client("scheduler").create_schedule(**self._request(inputs))
        return f"{_GROUP}/{inputs['name']}"

    def read(self, id_: str) -> State | None:
        """Return the settings of the schedule."""
        scheduler = self.aws.client("scheduler")
        group, _, name = id_.partition("/")
        try:
            found = scheduler.get_schedule(GroupName=group, Name=name)
        except scheduler.exceptions.ResourceNotFoundException:
            return None
        target = found["Target"]
        state: State = {
            "arn": found["Arn"],
            "name": name,
            "groupName": group,
            "target": {
                "arn": target["Arn"],
                "roleArn": target["RoleArn"],
                "retryPolicy": {
                    f"{key[0].lower()}{key[1:]}": value for key, value in target["RetryPolicy"].items()
                },
                **({"input": target["Input"]} if "Input" in target else {}),
            },
            "flexibleTimeWindow": {
                f"{key[0].lower()}{key[1:]}": value for key, value in found["FlexibleTimeWindow"].items()
            },
        }
        for key in ("description", "scheduleExpression", "scheduleExpressionTimezone", "state"):
            shown = found.get(f"{key[0].upper()}{key[1:]}")
            if shown is not None:
                state[key] = shown
        return state

    def update(self, id_: str, old: Inputs, new: Inputs) -> None:
        """Replace all settings: UpdateSchedule resets what it does not name."""
        self.aws.client("scheduler").update_schedule(**self._request(new))

    def delete(self, id_: str, state: State) -> None:
        """Delete the schedule."""
        scheduler = self.aws.client("scheduler")
        group, _, name = id_.partition("/")
        try:
            scheduler.delete_schedule(GroupName=group, Name=name)
        except scheduler.exceptions.ResourceNotFoundException:
            return

    def _request(self, inputs: Inputs) -> dict[str, Any]:
        settings = {name: inputs[name] for name in ("name", *self._plain, "target") if name in inputs}
        request: dict[str, Any] = {"GroupName": _GROUP, **capitalised(settings)}
        return request
