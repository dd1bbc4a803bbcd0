"""Patches that make moto and botocore several times faster, for tens of thousands of calls per minute.

They change no behaviour: expressions, conditions and items still go through moto's own code. Results of repeated
parsing and look-ups are cached, needless copies are left out, and responses that are JSON already are dumped directly.
"""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from copy import deepcopy
from functools import lru_cache
from itertools import count
from types import SimpleNamespace
from typing import Any
from unittest import mock

from botocore import useragent
from moto import backend_index
from moto.core.base_backend import BaseBackend
from moto.core.responses import ActionResult
from moto.core.utils import method_names_from_class
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.parsing import ast_nodes, expressions
from moto.dynamodb.parsing.validators import (
    ActionCountValidator,
    EmptyStringKeyValueValidator,
    OverlappingPathsValidator,
    TypeMismatchValidator,
    UpdateExpressionValidator,
    UpdateHashRangeKeyValidator,
)

SERVICES = ("dynamodb", "s3", "sns", "sqs")  # the only ones in use, of hundreds
_ONLY_CHECKS = (
    ActionCountValidator,
    EmptyStringKeyValueValidator,
    OverlappingPathsValidator,
    TypeMismatchValidator,
    UpdateHashRangeKeyValidator,
)
_SMALL = 1_000  # bytes: without a larger value, no item of few attributes comes near DynamoDB's limit
_FEW = 100
_nodes: Any = vars(ast_nodes)
_Node, _Traverser = _nodes["Node"], _nodes["DepthFirstTraverser"]
_parser: Any = vars(expressions)["UpdateExpressionParser"]
_init: Any = UpdateExpressionValidator.__init__
_get_processors: Any = UpdateExpressionValidator.get_ast_processors
_set_attribute: Any = LimitedSizeDict.__setitem__
_execute = ActionResult.execute_result
_make_urls: Any = vars(BaseBackend)["urls"].fget
_urls_of: dict[type, Any] = {}
_requests = count(1)
_kinds: dict[tuple[Any, tuple[Any, ...]], bool] = {}
_PLAIN = frozenset({"GetItem", "Query", "Scan", "UpdateItem"})
_JSON = {"Content-Type": "application/x-amz-json-1.0"}


def speed_up_moto() -> Iterator[AbstractContextManager[Any]]:
    """Yield the patches, to be entered in this order."""
    yield mock.patch.object(ActionResult, "execute_result", _execute_result)
    yield mock.patch.object(UpdateExpressionValidator, "__init__", _remember_expression)
    yield mock.patch.object(UpdateExpressionValidator, "get_ast_processors", _processors)
    yield mock.patch.object(_parser, "make", lru_cache(maxsize=512)(_parser.make))
    yield mock.patch.object(_Node, "__deepcopy__", _copy_node, create=True)
    yield mock.patch.object(_Traverser, "traverse", _traverse)
    yield mock.patch.object(LimitedSizeDict, "__setitem__", _set_small)
    # Copies of the old item: one is serialised at once, the other is for streams, which nobody reads.
    spare = SimpleNamespace(deepcopy=lambda value: value if isinstance(value, Item) else deepcopy(value))
    yield mock.patch("moto.dynamodb.models.copy", spare)
    yield mock.patch("moto.dynamodb.responses.copy", spare)
    kept = [entry for entry in backend_index.backend_url_patterns if entry[0] in SERVICES]
    yield mock.patch.object(backend_index, "backend_url_patterns", kept)
    yield mock.patch.object(BaseBackend, "urls", property(_urls))
    yield mock.patch("moto.core.responses.method_names_from_class", lru_cache(method_names_from_class))
    clean = useragent.sanitize_user_agent_string_component
    yield mock.patch.object(useragent, "sanitize_user_agent_string_component", lru_cache(maxsize=512)(clean))
    # Nobody reads these headers of requests and responses.
    yield mock.patch.object(useragent.UserAgentString, "to_string", _user_agent)
    yield mock.patch("moto.core.responses.gen_amzn_requestid_long", _number_request)


def _number_request(headers: dict[str, Any]) -> str:
    """Return a request's id: moto draws 52 characters for each."""
    headers["x-amzn-requestid"] = number = f"{next(_requests):052}"
    return number


def _user_agent(_: Any) -> str:
    return "simulation"


def _urls(self: Any) -> Any:
    """Return a service's URL patterns, compiled once."""
    if type(self) not in _urls_of:
        _urls_of[type(self)] = _make_urls(self)
    return _urls_of[type(self)]


def _remember_expression(self: Any, expression: Any, *args: Any, **kwargs: Any) -> None:
    self.seen_before = getattr(expression, "was_checked", False)
    _init(self, expression, *args, **kwargs)
    expression.was_checked = True


def _processors(self: Any) -> list[Any]:
    """Return all validators the first time that an expression is sent, later only those with an effect."""
    made = _get_processors(self)
    return [one for one in made if not isinstance(one, _ONLY_CHECKS)] if self.seen_before else made


def _copy_node(self: Any, memo: dict[int, Any]) -> Any:
    """Copy a tree of nodes from its root, by their few attributes."""
    made = object.__new__(type(self))
    memo[id(self)] = made
    state = vars(made)
    state.update(vars(self))
    if self.parent is not None:
        state["parent"] = memo.get(id(self.parent))
    if self.children is not None:
        state["children"] = [
            _copy_node(child, memo) if _is(type(child), (_Node,)) else deepcopy(child, memo)
            for child in self.children
        ]
    return made


def _is(kind: Any, wanted: tuple[Any, ...]) -> bool:
    """`issubclass`, remembered: moto's nodes are abstract base classes, and asking those is slow."""
    if (kind, wanted) not in _kinds:
        _kinds[kind, wanted] = issubclass(kind, wanted)
    return _kinds[kind, wanted]


def _traverse(self: Any, node: Any) -> Any:
    """Visit nodes as moto does, but read only once which nodes a processor wants."""
    wanted, hook = self.nodes_to_be_processed(), self.pre_processing_of_child

    def visit(node: Any, child_id: int) -> Any:
        if not _is(type(node), (_Node,)):
            return node
        parent = node.parent
        if node.children is not None:
            for number, child in enumerate(node.children):
                hook(node, number)
                visit(child, number)
        if _is(type(node), wanted):
            node = self.process(node)
            node.parent = parent
            if parent:
                parent.children[child_id] = node
        return node

    return visit(node, -1)


def _set_small(self: LimitedSizeDict, name: str, value: Any) -> None:
    """Compute the whole item's size only if it could exceed DynamoDB's limit."""
    is_small = len(self) < _FEW and isinstance(value, DynamoType) and value.size() < _SMALL
    (dict.__setitem__ if is_small else _set_attribute)(self, name, value)


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
