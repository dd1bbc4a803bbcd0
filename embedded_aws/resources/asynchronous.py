"""Lambda: settings of asynchronous invocations."""

from collections.abc import Mapping
from typing import Any, ClassVar

from embedded_aws.resources.base import Handler, Inputs, State


class FunctionEventInvokeConfig(Handler):
    """Retries and destinations of asynchronous invocations; the id is the function's name."""

    type_name = "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig"
    resource = "lambda_.FunctionEventInvokeConfig"
    service = "lambda"
    removed_with = "aws:lambda/function:Function"
    carries = frozenset(
        {
            "functionName",
            "maximumEventAgeInSeconds",
            "maximumRetryAttempts",
            "destinationConfig.onFailure.destination",
            "destinationConfig.onSuccess.destination",
        }
    )
    replaces = frozenset({"functionName"})
    defaults: ClassVar[Mapping[str, Any]] = {"maximumRetryAttempts": 2}

    def create(self, inputs: Inputs) -> str:
        """Put it."""
        self._put(inputs)
        return str(inputs["functionName"])

    def read(self, id_: str) -> State | None:
        """Return None where the function has none, or is gone."""
        functions = self.aws.client("lambda")
        try:
            shown = functions.get_function_event_invoke_config(FunctionName=id_)
        except functions.exceptions.ResourceNotFoundException:
            return None
        state: State = {"functionName": id_}
        for key in ("MaximumEventAgeInSeconds", "MaximumRetryAttempts"):
            if shown.get(key) is not None:
                state[f"{key[0].lower()}{key[1:]}"] = shown[key]
        destinations = {
            f"{key[0].lower()}{key[1:]}": {"destination": entry["Destination"]}
            for key, entry in (shown.get("DestinationConfig") or {}).items()
            if entry.get("Destination")
        }
        if destinations:
            state["destinationConfig"] = destinations
        return state

    def update(self, id_: str, old: Inputs, new: Inputs) -> None:
        """Put it again as a whole."""
        self._put(new)

    def delete(self, id_: str, state: State) -> None:
        """Restore Lambda's defaults."""
        functions = self.aws.client("lambda")
        try:
            functions.delete_function_event_invoke_config(FunctionName=id_)
        except functions.exceptions.ResourceNotFoundException:
            return

    def _put(self, inputs: Inputs) -> None:
        request = {
            f"{name[0].upper()}{name[1:]}": inputs[name]
            for name in ("maximumEventAgeInSeconds", "maximumRetryAttempts")
            if name in inputs
        }
        destinations = {
            f"{name[0].upper()}{name[1:]}": {"Destination": entry["destination"]}
            for name, entry in inputs.get("destinationConfig", {}).items()
        }
        if destinations:
            request["DestinationConfig"] = destinations
        self.aws.client("lambda").put_function_event_invoke_config(
            FunctionName=inputs["functionName"], **request
        )
