"""CloudWatch Logs: saved queries of Logs Insights."""

from collections.abc import Iterator
from typing import Any

from embedded_aws.resources.base import AutoName, Aws, Handler, Inputs, State


class QueryDefinition(Handler):
    """A saved query; the id is the one that CloudWatch Logs gives it."""

    type_name = "aws:cloudwatch/queryDefinition:QueryDefinition"
    resource = "cloudwatch.QueryDefinition"
    service = "logs"
    carries = frozenset({"name", "queryString", "logGroupNames"})
    autoname = AutoName(input="name", max_length=255, exclusive=False)

    @classmethod
    def existing(cls, aws: Aws) -> Iterator[str]:
        """Yield all saved queries."""
        for found in aws.client("logs").describe_query_definitions()["queryDefinitions"]:
            id_ = found["queryDefinitionId"]
            yield f"arn:aws:logs:{aws.region}:{aws.account_id}:query-definition:{id_}"

    def create(self, inputs: Inputs) -> str:
        """Save it."""
        return str(self._put(inputs)["queryDefinitionId"])

    def read(self, id_: str) -> State | None:
        """Return it as the inputs name its parts."""
        found = self.aws.client("logs").describe_query_definitions()["queryDefinitions"]
        shown = next((each for each in found if each["queryDefinitionId"] == id_), None)
        if shown is None:
            return None
        return {
            "queryDefinitionId": id_,
            "name": shown["name"],
            "queryString": shown["queryString"],
            "logGroupNames": shown.get("logGroupNames", []),
        }

    def update(self, id_: str, old: Inputs, new: Inputs) -> None:
        """Save it again under its id."""
        self._put(new, queryDefinitionId=id_)

    def delete(self, id_: str, state: State) -> None:
        """Delete it."""
        logs = self.aws.client("logs")
        try:
            logs.delete_query_definition(queryDefinitionId=id_)
        except logs.exceptions.ResourceNotFoundException:
            return

    def _put(self, inputs: Inputs, **more: str) -> Any:
        return self.aws.client("logs").put_query_definition(
            name=inputs["name"],
            queryString=inputs["queryString"],
            logGroupNames=inputs.get("logGroupNames", []),
            **more,
        )
