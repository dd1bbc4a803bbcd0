"""Every call of every service held against botocore's own model of the service.

botocore checks types, required members and minima, and leaves maxima, patterns and enumerations to AWS; moto has few of
them. They are in the models that botocore comes with, made by the services' own teams. What a service refuses beyond
its model is in `embedded_aws.refusals`.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from embedded_aws.calls import Call, RefusedError

# The code that a service's errors of this kind have; all others say ValidationException.
_CODES: Final[Mapping[str, str]] = {
    "apigateway": "BadRequestException",
    "cloudwatch": "ValidationError",
    "iam": "ValidationError",
    "logs": "InvalidParameterException",
    "rekognition": "InvalidParameterException",
    "s3": "InvalidArgument",
    "sns": "InvalidParameter",
    "sqs": "InvalidParameterValue",
    "sts": "ValidationError",
}
_JAVA_CLASSES: Final[Mapping[str, str]] = {
    r"\p{L}": r"\w", r"\p{Z}": r"\s", r"\p{N}": r"\d", r"\p{ASCII}": r"\x00-\x7f", r"\p{Graph}": r"!-~",
    r"\p{Print}": r"\x20-\x7e", r"\p{Alnum}": "A-Za-z0-9",
}  # fmt: skip
# Not blobs: services answer those that are too large with errors of their own, such as ImageTooLargeException.
_SIZED: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str,),
    "list": (list, tuple),
    "map": (Mapping,),
}
_SHOWN = 100  # characters of a value in a message


def judge(call: Call) -> None:
    """Raise RefusedError for the first member of a call's parameters that its service's model does not allow."""
    shape = call.operation_model.input_shape
    if shape is None:
        return
    for problem in violations(shape, call.parameters):
        code = _CODES.get(call.service, "ValidationException")
        raise RefusedError(code, f"1 validation error detected: {problem}")


def violations(shape: Any, value: Any, path: str = "") -> Iterator[str]:
    """Yield what of a value its shape does not allow, each with its path."""
    if value is None:
        return
    for constraint in _broken(shape, value):
        shown = str(value) if len(str(value)) <= _SHOWN else f"{str(value)[:_SHOWN]}..."
        yield f"Value '{shown}' at '{path}' failed to satisfy constraint: Member must {constraint}"
    kind = shape.type_name
    if kind == "structure" and isinstance(value, Mapping):
        for name, member in shape.members.items():
            if name in value:
                inner = name[:1].lower() + name[1:]
                yield from violations(member, value[name], f"{path}.{inner}" if path else inner)
    elif kind == "list" and isinstance(value, list | tuple):
        for number, item in enumerate(value, 1):
            yield from violations(shape.member, item, f"{path}.{number}.member")
    elif kind == "map" and isinstance(value, Mapping):
        for key, item in value.items():
            yield from violations(shape.key, key, f"{path}.key")
            yield from violations(shape.value, item, f"{path}.{key}.member")


def _broken(shape: Any, value: Any) -> Iterator[str]:
    """Yield the constraints of one shape that a value breaks, in AWS's words."""
    facets, kind = shape.metadata, shape.type_name
    if kind in ("integer", "long", "float", "double") and isinstance(value, int | float):
        yield from _outside(facets, value, "have value {} than or equal to {}")
    elif kind in _SIZED and isinstance(value, _SIZED[kind]):
        size = len(value)  # type: ignore[arg-type] # of every type in _SIZED
        yield from _outside(facets, size, "have length {} than or equal to {}")
    if kind == "string" and isinstance(value, str):
        if shape.enum and value not in shape.enum:
            yield f"satisfy enum value set: [{', '.join(shape.enum)}]"
        pattern = _compiled(facets["pattern"]) if facets.get("pattern") else None
        if pattern is not None and not pattern.fullmatch(value):
            yield f"satisfy regular expression pattern: {facets['pattern']}"


def _outside(facets: Mapping[str, Any], size: float, words: str) -> Iterator[str]:
    if "max" in facets and size > facets["max"]:
        yield words.format("less", facets["max"])
    if "min" in facets and size < facets["min"]:
        yield words.format("greater", facets["min"])


@cache
def _compiled(pattern: str) -> "re.Pattern[str] | None":
    """Return a model's pattern, which is Java's, as Python's; None where Python has no such pattern."""
    for java, python in _JAVA_CLASSES.items():
        pattern = pattern.replace(java, python)
    try:
        return re.compile(pattern, re.DOTALL)
    except re.error:
        return None
