"""Lambda: what invokes a function: event source mappings, and permissions for other services."""

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from embedded_aws.resources.base import AutoName, Aws, DeploymentRefusedError, Handler, Inputs, State, pages
from embedded_aws.resources.functions import retag

_SETTLE = 5.0  # seconds for AWS's "resource in use, try again" to pass


class EventSourceMapping(Handler):
    """A mapping from a queue to a function; the id is its UUID."""

    type_name = "aws:lambda/eventSourceMapping:EventSourceMapping"
    resource = "lambda_.EventSourceMapping"
    service = "lambda"
    _plain = ("batchSize", "enabled", "functionResponseTypes", "maximumBatchingWindowInSeconds")
    carries = frozenset(
        {*_plain, "eventSourceArn", "functionName", "scalingConfig.maximumConcurrency", "tags.*"}
    )
    replaces = frozenset({"eventSourceArn"})
    defaults: ClassVar[Mapping[str, Any]] = {"enabled": True}

    @classmethod
    def existing(cls, aws: Aws) -> Iterator[str]:
        """Yield all mappings."""
        for mapping in pages(aws, "lambda", "list_event_source_mappings", "EventSourceMappings"):
            yield f"arn:aws:lambda:{aws.region}:{aws.account_id}:event-source-mapping:{mapping['UUID']}"

    def create(self, inputs: Inputs) -> str:
        """Create the mapping; `refusals` checks it against queue and function."""
        request = _mapping(inputs)
        if inputs["tagsAll"]:
            request["Tags"] = inputs["tagsAll"]
        made = self.aws.client("lambda").create_event_source_mapping(
            EventSourceArn=inputs["eventSourceArn"], **request
        )
        return str(made["UUID"])

    def read(self, id_: str) -> State | None:
        """Return its settings."""
        functions = self.aws.client("lambda")
        try:
            found = functions.get_event_source_mapping(UUID=id_)
        except functions.exceptions.ResourceNotFoundException:
            return None
        arn = found["EventSourceMappingArn"]
        state: State = {
            "uuid": id_,
            "arn": arn,
            "tagsAll": functions.list_tags(Resource=arn)["Tags"],
            "functionArn": found["FunctionArn"],
            "eventSourceArn": found["EventSourceArn"],
            "batchSize": found["BatchSize"],
            "state": found["State"],
            "enabled": found["State"] == "Enabled",
            "functionResponseTypes": found.get("FunctionResponseTypes", []),
            "maximumBatchingWindowInSeconds": found.get("MaximumBatchingWindowInSeconds", 0),
        }
        if found.get("ScalingConfig"):
            state["scalingConfig"] = {"maximumConcurrency": found["ScalingConfig"]["MaximumConcurrency"]}
        return state

    def update(self, id_: str, old: Inputs, new: Inputs) -> None:
        """Update all settings but the source, and the tags."""
        functions = self.aws.client("lambda")
        functions.update_event_source_mapping(UUID=id_, **_mapping(new))
        arn = f"arn:aws:lambda:{self.aws.region}:{self.aws.account_id}:event-source-mapping:{id_}"
        retag(functions, arn, old, new)

    def delete(self, id_: str, state: State) -> None:
        """Delete the mapping, and wait until it is gone, as the provider does."""
        functions = self.aws.client("lambda")
        try:
            functions.delete_event_source_mapping(UUID=id_)
        except functions.exceptions.ResourceNotFoundException:
            return
        deadline = time.monotonic() + _SETTLE
        while self.read(id_) is not None:
            if time.monotonic() > deadline:
                raise DeploymentRefusedError(f"the event source mapping {id_} is still being deleted")
            time.sleep(0.05)


class Permission(Handler):
    """A statement of a function's resource policy; the id is the statement's."""

    type_name = "aws:lambda/permission:Permission"
    resource = "lambda_.Permission"
    create_first = True
    service = "lambda"
    removed_with = "aws:lambda/function:Function"
    carries = frozenset({"action", "function", "principal", "sourceAccount", "sourceArn", "statementId"})
    replaces = carries
    autoname = AutoName(input="statementId", max_length=100)

    def create(self, inputs: Inputs) -> str:
        """Add the statement."""
        optional = {"SourceAccount": "sourceAccount", "SourceArn": "sourceArn"}
        self.aws.client("lambda").add_permission(
            FunctionName=inputs["function"],
            StatementId=inputs["statementId"],
            Action=inputs["action"],
            Principal=inputs["principal"],
            **{key: inputs[name] for key, name in optional.items() if name in inputs},
        )
        return f"{inputs['function']}/{inputs['statementId']}"

    def read(self, id_: str) -> State | None:
        """Return None where the statement, or the function, is gone."""
        functions = self.aws.client("lambda")
        function, _, statement_id = id_.rpartition("/")
        try:
            policy = json.loads(functions.get_policy(FunctionName=function)["Policy"])
        except functions.exceptions.ResourceNotFoundException:
            return None
        found = any(statement["Sid"] == statement_id for statement in policy["Statement"])
        return {"function": function, "statementId": statement_id} if found else None

    def update(self, id_: str, old: Inputs, new: Inputs) -> None:
        """Do nothing: every input replaces."""

    def delete(self, id_: str, state: State) -> None:
        """Remove the statement."""
        functions = self.aws.client("lambda")
        function, _, statement_id = id_.rpartition("/")
        try:
            functions.remove_permission(FunctionName=function, StatementId=statement_id)
        except functions.exceptions.ResourceNotFoundException:
            return


def _mapping(inputs: Inputs) -> dict[str, Any]:
    request: dict[str, Any] = {"FunctionName": inputs["functionName"]}
    request |= {
        f"{key[0].upper()}{key[1:]}": inputs[key] for key in EventSourceMapping._plain if key in inputs
    }
    if "scalingConfig" in inputs:
        request["ScalingConfig"] = {"MaximumConcurrency": inputs["scalingConfig"]["maximumConcurrency"]}
    return request
