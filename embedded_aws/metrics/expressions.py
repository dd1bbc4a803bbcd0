"""Metric math over the values of one period, as far as alarms and dashboards use it. None is a missing value.

After the CloudWatch User Guide, "Using math expressions with CloudWatch metrics".
"""

import ast
import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

Value = float | None
_ARITHMETIC: Final[Mapping[type[ast.operator], Callable[[float, float], float]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_COMPARISONS: Final[Mapping[type[ast.cmpop], Callable[[float, float], bool]]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_OF_SEVERAL: Final[Mapping[str, Callable[[list[float]], float]]] = {"MAX": max, "MIN": min, "SUM": sum}


class ExpressionError(ValueError):
    """The expression is none that this module evaluates."""


def evaluate(expression: str, values: Mapping[str, Value]) -> Value:
    """Return the value of an expression over metrics by id; None where data is missing, or divided by zero.

    Raises ExpressionError for what is not arithmetic, a comparison, IF, FILL, MAX, MIN or SUM of two or more.
    """
    try:
        tree = ast.parse(expression, mode="eval").body
    except SyntaxError as error:
        raise ExpressionError(f"{expression!r} is not an expression: {error.msg}") from error
    return _value(tree, values, expression)


def adds_up(expression: str, ids: Iterable[str]) -> bool:
    """Return whether the value of a whole span is the sum of its periods', if that holds for the metrics `ids`.

    It does where these are added, subtracted, and multiplied by numbers.
    """
    summed = frozenset(ids)

    def is_sum(node: ast.expr) -> bool:
        match node:
            case ast.Name(id=name):
                return name in summed
            case ast.BinOp(left=left, op=ast.Add() | ast.Sub(), right=right):
                return is_sum(left) and is_sum(right)
            case ast.BinOp(left=ast.Constant(), op=ast.Mult(), right=term):
                return is_sum(term)
            case ast.BinOp(left=term, op=ast.Mult() | ast.Div(), right=ast.Constant()):
                return is_sum(term)
            case _:
                return False

    return is_sum(ast.parse(expression, mode="eval").body)


def _value(node: ast.expr, values: Mapping[str, Value], whole: str) -> Value:
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name) if name in values:
            return values[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            found = _value(operand, values, whole)
            return None if found is None else -found
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            return _both(left, right, values, whole, _ARITHMETIC[type(op)])
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARISONS:
            return _both(left, right, values, whole, _COMPARISONS[type(op)])
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
            return _called(name, args, values, whole)
        case _:
            raise ExpressionError(f"{ast.unparse(node)!r} in {whole!r} is not evaluated here")


def _both(
    left: ast.expr,
    right: ast.expr,
    values: Mapping[str, Value],
    whole: str,
    combine: Callable[[float, float], Any],
) -> Value:
    first, second = _value(left, values, whole), _value(right, values, whole)
    if first is None or second is None:
        return None
    try:
        return float(combine(first, second))
    except ZeroDivisionError:  # CloudWatch drops such a data point
        return None


def _called(name: str, args: list[ast.expr], values: Mapping[str, Value], whole: str) -> Value:
    if name == "IF" and len(args) == 3:
        condition = _value(args[0], values, whole)
        return None if condition is None else _value(args[1] if condition else args[2], values, whole)
    if name == "FILL" and len(args) == 2:
        found = _value(args[0], values, whole)
        return _value(args[1], values, whole) if found is None else found
    if name in _OF_SEVERAL and len(args) > 1:
        given = [found for each in args if (found := _value(each, values, whole)) is not None]
        return _OF_SEVERAL[name](given) if given else None
    raise ExpressionError(f"{name} with {len(args)} arguments in {whole!r} is not evaluated here")
