"""From what pydantic refused, and from what only holds between keys, to faults that people can mend."""

import types
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Union, cast, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from components import bounds, environment, taxonomy
from components.config_errors import Fault, Path, key_path, likely, remove_command, set_command, show
from components.rules import About, ModerationLabel, Rule

if TYPE_CHECKING:
    from components.config import StackConfig

EDGE_TAG, COVER_TAG = "as-edge", "as-cover"  # pydantic puts a union's tag into its paths
_LOSSY = ("jpeg", "webp", "avif")
# What a part needs beyond its switch, since a function cannot run without.
_NEEDED: Mapping[str, tuple[Path, ...]] = {
    "video": (
        ("video", "height"),
        ("video", "moderationFrames"),
        ("memory", "video"),
        ("timeout", "video"),
        ("concurrency", "video"),
        ("limits", "videoBytes"),
        ("limits", "videoSeconds"),
    ),
    "api": (("api", "rate"), ("api", "burst"), ("api", "quotaPerDay")),
}
_LARGE: Mapping[Path, str] = {
    ("sizes",): "SIZES",
    ("moderation",): "MODERATION",
    ("api", "corsOrigins"): "CORS_ORIGINS",
}  # the keys without a bound of their own, and the variables that they end in


def explain(error: ValidationError, model: type[BaseModel]) -> Iterator[Fault]:
    """The faults behind a ValidationError, in the order of the keys."""
    for details in error.errors(include_url=False):
        if details["type"] == "too_short" and details["input"]:
            continue  # pydantic counts the right items only; each wrong one has a fault of its own
        yield _explain(details, model)


def check_stack(stack: str, region: str | None) -> Iterator[Fault]:
    """The stack's name is part of every resource's name; its region must have Rekognition's moderation."""
    allowed = f"1 to {bounds.STACK_NAME_LENGTH} lower-case letters, digits and dashes, starting with a letter"
    if not environment.STACK_NAME.fullmatch(stack):
        yield Fault(key="stack", given=show(stack), allowed=allowed, mend="pulumi stack rename dev")
    if region not in bounds.REKOGNITION_REGIONS:
        near = likely(region or "", bounds.REKOGNITION_REGIONS) or "eu-central-1"
        yield Fault(
            key="aws:region",
            given="is missing" if region is None else show(region),
            allowed=f"a region with Rekognition: {', '.join(bounds.REKOGNITION_REGIONS)}",
            mend=f"pulumi config set aws:region {near}",
        )


def check_together(raw: Mapping[str, object], model: type[BaseModel]) -> Iterator[Fault]:
    """What no single key shows: a policy that blocks nothing, one name twice, a quality nobody set."""
    moderation = _object(raw.get("moderation"))
    if moderation.get("mode") == "enforce" and not moderation.get("block"):
        yield Fault(
            key="moderation.block",
            given="mode enforce without a rule",
            allowed="at least one label to block (or mode observe, or off)",
            mend=set_command(("moderation", "block", "Explicit"), 60),
        )
    for group in ("block", "review"):
        for name in _repeated(_object(moderation.get(group))):
            path = ("moderation", group, name)
            yield Fault(
                key=key_path(path),
                given="is named twice, in different case",
                allowed="each label once",
                mend=remove_command(path),
            )
    formats, quality = raw.get("formats"), _object(raw.get("quality"))
    for name in formats if isinstance(formats, list) and "quality" in raw else ():
        if name in _LOSSY and quality.get(name) is None:
            yield Fault(
                key=f"quality.{name}",
                given="is missing",
                allowed=f"a whole number from 1 to 100, since formats has {name}",
                mend=set_command(("quality", name), 80),
            )
    yield from _twice(("formats",), formats)
    for who in ("alerts", "results"):
        yield from _twice(("notify", who), _object(raw.get("notify")).get(who))
    yield from _twice(("moderation", "exempt"), moderation.get("exempt"))
    yield from _origins(_object(raw.get("api")).get("corsOrigins"))
    yield from _needed(raw, model)


def check_environment(config: "StackConfig") -> Iterator[Fault]:
    """Each function's whole environment must fit into what Lambda takes."""
    for function, measured in environment.measure(config).items():
        if measured <= bounds.LAMBDA_ENVIRONMENT_BYTES:
            continue
        settings = environment.settings(config)[function]
        group = max(_LARGE, key=lambda path: len(settings.get(_LARGE[path], "")))
        yield Fault(
            key=key_path(group),
            given=f"makes {function}'s environment up to {measured} bytes",
            allowed=f"at most {bounds.LAMBDA_ENVIRONMENT_BYTES} bytes for all of a function's settings",
            mend=f"fewer or shorter entries, for example {remove_command((*group, '...'))}",
        )


def _needed(raw: Mapping[str, object], model: type[BaseModel]) -> Iterator[Fault]:
    for part, paths in _NEEDED.items():
        if str(_object(raw.get(part)).get("enabled")).lower() != "true":
            continue
        for group, name in paths:
            given = raw.get(str(group))  # a group that is none is told, and mended, as a whole
            if isinstance(given, Mapping) and given.get(str(name)) is None:
                about = _about(model, (group, name), name=False)
                yield Fault(
                    key=key_path((group, name)),
                    given=f"is missing, and {part}.enabled is true",
                    allowed=about.allowed,
                    mend=set_command((group, name), about.example),
                )


def _origins(origins: object) -> Iterator[Fault]:
    yield from _twice(("api", "corsOrigins"), origins)
    if isinstance(origins, list) and "*" in origins and len(origins) > 1:
        path = ("api", "corsOrigins", origins.index("*"))
        yield Fault(
            key=key_path(path),
            given='"*" stands beside others',
            allowed="either * alone, which is any origin, or those that may",
            mend=remove_command(path),
        )


def _explain(details: ErrorDetails, model: type[BaseModel]) -> Fault:
    is_name = details["loc"][-1:] == ("[key]",)
    path = tuple(step for step in details["loc"] if step not in (EDGE_TAG, COVER_TAG, "[key]"))
    given = details["input"]
    if details["type"] == "extra_forbidden":
        return _unknown_key(path, given, model)
    about = _about(model, path, name=is_name)
    if is_name:
        return _wrong_name(path, about)
    mend = set_command(path, about.example)
    if details["type"] != "missing" and isinstance(about.example, dict | list) and given not in ({}, []):
        mend = f"{remove_command(path)} && {mend}"  # a path cannot be set inside of what is no group
    return Fault(
        key=key_path(path),
        given="is missing" if details["type"] == "missing" else show(given),
        allowed=about.allowed,
        mend=mend,
    )


def _unknown_key(path: Path, given: object, model: type[BaseModel]) -> Fault:
    group, name = path[:-1], str(path[-1])
    known = _known_keys(model, group)
    near = likely(name, known)
    mend = remove_command(path)
    if near:
        mend += f" && {set_command((*group, near), given)}" if given not in ({}, []) else ""
    return Fault(
        key=key_path(path),
        given="is not a known key",
        allowed=f"did you mean {near}?" if near else f"one of {', '.join(known)}",
        mend=mend,
    )


def _wrong_name(path: Path, rule: "About | Rule") -> Fault:
    """A size or label whose very name is wrong; its value moves to the name that was meant."""
    name = str(path[-1])
    if isinstance(rule, ModerationLabel):
        near = taxonomy.nearest(name)
        allowed = f"{rule.allowed}; nearest known: {', '.join(near)}"
        better, example = near[0], 80
    else:
        allowed = rule.allowed
        better, example = str(rule.example), 1024
    mend = f"{remove_command(path)} && {set_command((*path[:-1], better), example)}"
    return Fault(key=key_path(path), given=f"{show(name)} is no such name", allowed=allowed, mend=mend)


def _about(model: type[BaseModel], path: Path, *, name: bool) -> "About | Rule":
    """The words and the example for the value (or, with `name`, the key) at `path`."""
    annotation, notes = _at(model, path[:-1] if name else path)
    if name:
        annotation, notes = _unwrap(get_args(annotation)[0])
    for note in notes:
        if isinstance(note, About | Rule):
            return note
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = annotation.model_fields
        needed = {needed for paths in _NEEDED.values() for needed in paths}
        example = {
            _alias(key, field): _about(annotation, (_alias(key, field),), name=False).example
            for key, field in fields.items()
            if field.is_required() or (*path, _alias(key, field)) in needed
        }
        keys = ", ".join(_alias(key, field) for key, field in fields.items())
        return About(f"an object with {keys}", example or {"jpeg": 80})
    raise LookupError(f"no words for {key_path(path)}")  # a programming error; a test walks all keys


def _at(model: type[BaseModel], path: Path) -> tuple[Any, list[Any]]:
    """The type at `path` and its annotations, outermost first."""
    annotation: Any = model
    notes: list[Any] = []
    for step in path:
        annotation = _branch(annotation, step)
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            key = next(key for key, field in annotation.model_fields.items() if _alias(key, field) == step)
            field = annotation.model_fields[key]
            annotation, notes = _unwrap(field.annotation)
            notes = [*field.metadata, *notes]
        else:
            arguments = get_args(annotation)
            annotation, notes = _unwrap(arguments[1] if get_origin(annotation) is dict else arguments[0])
    return annotation, notes


def _branch(annotation: Any, step: str | int) -> Any:
    """Of a union, the model that has the key `step`."""
    if get_origin(annotation) in (Union, types.UnionType):
        for option in get_args(annotation):
            bare, _ = _unwrap(option)
            if isinstance(bare, type) and issubclass(bare, BaseModel) and step in bare.model_fields:
                return bare
    return annotation


def _unwrap(annotation: Any) -> tuple[Any, list[Any]]:
    """Take Annotated and `| None` off, keeping the annotations."""
    notes: list[Any] = []
    while True:
        arguments = get_args(annotation)
        if get_origin(annotation) is Annotated:
            annotation, notes = arguments[0], [*notes, *arguments[1:]]
        elif types.NoneType in arguments:
            annotation = next(option for option in arguments if option is not types.NoneType)
        else:
            return annotation, notes


def _known_keys(model: type[BaseModel], group: Path) -> list[str]:
    annotation, _ = _at(model, group)
    if get_origin(annotation) in (Union, types.UnionType):
        annotation = next(
            bare
            for bare, _ in map(_unwrap, get_args(annotation))
            if isinstance(bare, type) and issubclass(bare, BaseModel)
        )
    return [_alias(key, field) for key, field in annotation.model_fields.items()]


def _alias(key: str, field: FieldInfo) -> str:
    return field.alias or key


def _object(value: object) -> Mapping[str, object]:
    return cast(Mapping[str, object], value) if isinstance(value, Mapping) else {}


def _repeated(group: Mapping[str, object]) -> Iterator[str]:
    counts = Counter(str(name).casefold() for name in group)
    seen: set[str] = set()
    for name in map(str, group):
        if counts[name.casefold()] > 1 and name.casefold() in seen:
            yield name
        seen.add(name.casefold())


def _twice(path: Path, values: object) -> Iterator[Fault]:
    seen: set[str] = set()
    for index, value in enumerate(values if isinstance(values, list | tuple) else ()):
        if isinstance(value, str) and value.casefold() in seen:
            yield Fault(
                key=key_path((*path, index)),
                given=f"{show(value)} stands there twice",
                allowed="each entry once",
                mend=remove_command((*path, index)),
            )
        seen.add(str(value).casefold())
