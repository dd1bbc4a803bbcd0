"""A shortcut through moto that changes no answer."""

import json
from typing import Any

from embedded_aws.moto_replacement import replace

PLAIN_OPERATIONS = frozenset({"GetItem", "Query", "Scan", "UpdateItem"})
"""Their results are DynamoDB's JSON already; moto looks each value of each item up in the service model once more."""
_JSON = {"Content-Type": "application/x-amz-json-1.0"}


def apply() -> None:
    """Take the shortcut in this process from now on."""
    from moto.core.responses import ActionResult

    def execute_result(self: Any, context: Any) -> Any:
        plain = plain_answer(self.result, context)
        return serialize(self, context) if plain is None else plain

    serialize = replace(ActionResult, "execute_result", execute_result)


def plain_answer(result: Any, context: Any) -> tuple[int, dict[str, str], str] | None:
    """Return status, headers and body for a result of DynamoDB that is JSON already; None for any other."""
    is_plain = context.operation_model.name in PLAIN_OPERATIONS and isinstance(result, dict)
    if not is_plain or context.service_model.service_name != "dynamodb":
        return None
    body = json.dumps({name: value for name, value in result.items() if value is not None})
    return 200, dict(_JSON), body
