"""The inputs of a resource by name and type, at any depth, from pulumi_aws's own classes.

Mocks accept anything, so a misspelt key in a nested dict would deploy silently; here it is refused with its
path, as a provider's Check would do it.
"""

import collections.abc
import difflib
import enum
import importlib
import inspect
import types
import typing
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from embedded_aws.resources.unknown import UNKNOWN


class InputError(ValueError):
    """Inputs that the SDK's types, or the embedded AWS, do not know. One line per problem."""

    def __init__(self, token: str, name: str, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(f"{token} {name!r}: {problem}" for problem in problems))


@dataclass(frozen=True, kw_only=True)
class ResourceSchema:
    """One resource type of pulumi_aws."""

    token: str
    inputs: Mapping[str, Any]
    required: frozenset[str]
    outputs: frozenset[str]

    @property
    def taggable(self) -> bool:
        """Return whether the provider merges its default tags into this type's."""
        return "tags" in self.inputs and "tagsAll" in self.outputs


def load_sdk(module: str) -> Any:
    """Import `pulumi_aws.<module>`; the SDK's own deprecation warnings (of its aliases) are not the user's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        loaded = importlib.import_module("pulumi_aws")
        return getattr(loaded, module)


@cache
def resource_schema(resource: str) -> ResourceSchema:
    """Return the schema of `<module>.<Class>`, such as `sqs.Queue` or `lambda_.Function`."""
    from pulumi import _types

    module_name, class_name = resource.split(".")
    module = load_sdk(module_name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        resource_class = getattr(module, class_name)
        # Where a nested type took the name (BucketVersioningArgs), the resource's own is `InitArgs`.
        arguments = getattr(module, f"{class_name}InitArgs", None) or getattr(module, f"{class_name}Args")
    return ResourceSchema(
        token=resource_class.pulumi_type,
        inputs=_types.input_type_types(arguments),
        required=_required(arguments),
        outputs=frozenset(_types.resource_types(resource_class)),
    )


def typed(schema: ResourceSchema, name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs with whole numbers as ints (the wire has only floats), checked against the SDK's types.

    Raises InputError that lists every unknown, missing and mistyped input with its path.
    """
    problems: list[str] = []
    result = _object(schema.inputs, schema.required, inputs, "", problems)
    if problems:
        raise InputError(schema.token, name, problems)
    return result


def leaves(value: Any, path: str = "") -> Iterator[str]:
    """Yield the paths of all known values inside inputs, list positions left out: `rules.expiration.days`."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, path)
    elif value is not UNKNOWN:
        yield path


def _required(arguments: Any) -> frozenset[str]:
    from pulumi import _types

    names = _types.input_type_py_to_pulumi_names(arguments)
    parameters = inspect.signature(arguments).parameters
    return frozenset(
        names[python_name]
        for python_name, parameter in parameters.items()
        if parameter.default is inspect.Parameter.empty and python_name in names
    )


def _alternatives(hint: Any) -> list[Any]:
    """Return what a plain value may be, without the plumbing (Awaitable, Output, None)."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        found = [inner for member in typing.get_args(hint) for inner in _alternatives(member)]
    else:
        found = [hint]
    return [
        member
        for member in found
        if member is not type(None)
        and typing.get_origin(member) is not collections.abc.Awaitable
        and getattr(typing.get_origin(member), "__name__", "") != "Output"
        and getattr(member, "__name__", "") != "Output"
    ]


def _object(
    known: Mapping[str, Any],
    required: frozenset[str],
    value: Mapping[str, Any],
    path: str,
    problems: list[str],
) -> dict[str, Any]:
    result = {}
    for key, inner in value.items():
        where = f"{path}.{key}" if path else key
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else f"; known are {', '.join(sorted(known))}"
            problems.append(f"unknown input {where!r}{hint}")
        elif inner is not None:
            result[key] = _value(known[key], inner, where, problems)
    for key in sorted(required - {key for key, inner in value.items() if inner is not None}):
        problems.append(f"missing input {f'{path}.{key}' if path else key!r}")
    return result


def _value(hint: Any, value: Any, path: str, problems: list[str]) -> Any:
    from pulumi import Archive, Asset, _types

    if value is UNKNOWN:
        return value
    options = _alternatives(hint)
    structures = [option for option in options if inspect.isclass(option) and _types.is_input_type(option)]
    if structures and isinstance(value, Mapping):
        return _one_of(structures, value, path, problems)
    for option in options:
        origin = typing.get_origin(option)
        if option is Any:
            return value
        if origin in (collections.abc.Sequence, list) and isinstance(value, list):
            (item,) = typing.get_args(option)
            return [_value(item, inner, f"{path}[{index}]", problems) for index, inner in enumerate(value)]
        if origin in (collections.abc.Mapping, dict) and isinstance(value, Mapping):
            _, item = typing.get_args(option)
            return {key: _value(item, inner, f"{path}.{key}", problems) for key, inner in value.items()}
        if option in (Archive, Asset) and isinstance(value, (Archive, Asset)):
            return value
        matched, plain = _scalar(option, value)
        if matched:
            return plain
    wanted = " or ".join(sorted({_describe(option) for option in options}))
    problems.append(f"input {path!r} must be {wanted}, not {value!r}")
    return value


def _one_of(
    structures: list[Any], value: Mapping[str, Any], path: str, problems: list[str]
) -> dict[str, Any]:
    """Return the value as the first structure that fits; where none does, add the problems of the nearest."""
    from pulumi import _types

    attempts = []
    for structure in structures:
        found: list[str] = []
        result = _object(_types.input_type_types(structure), _required(structure), value, path, found)
        if not found:
            return result
        attempts.append((len(found), found, result))
    _, found, result = min(attempts, key=lambda attempt: attempt[0])
    problems.extend(found)
    return result


def _scalar(option: Any, value: Any) -> tuple[bool, Any]:
    if isinstance(value, bool):
        return option is bool, value
    if isinstance(value, (int, float)):
        if option is int and float(value).is_integer():
            return True, int(value)
        if option is float:
            return True, int(value) if float(value).is_integer() else value
        return False, value
    if isinstance(value, str):
        if inspect.isclass(option) and issubclass(option, enum.Enum):
            return value in [member.value for member in option], value
        return option is str, value
    return False, value


def _describe(option: Any) -> str:
    names = {str: "a string", int: "an integer", float: "a number", bool: "a boolean"}
    if option in names:
        return names[option]
    origin = typing.get_origin(option)
    if origin in (collections.abc.Sequence, list):
        return "a list"
    if origin in (collections.abc.Mapping, dict):
        return "a map"
    return str(getattr(option, "__name__", option)).removesuffix("Args")
