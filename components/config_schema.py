"""Find what the configuration's models say about one key: its type, its words, its example, its neighbours."""

import ast
import inspect
import types
from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from components.config_errors import Path, key_path
from components.rules import About, Rule

# What an optional part needs besides its `enabled`, because its function cannot run without.
NEEDED: Mapping[str, tuple[Path, ...]] = {
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


def about(model: type[BaseModel], path: Path, *, name: bool) -> "About | Rule":
    """Return the words and the example for the value at `path`, or with `name` for the key itself.

    Raises LookupError for a key without words: a programming error, which a test over all keys prevents.
    """
    annotation, notes = field_at(model, path[:-1] if name else path)
    if name:
        annotation, notes = unwrap(get_args(annotation)[0])
    for note in notes:
        if isinstance(note, About | Rule):
            return note
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = annotation.model_fields
        needed = {path for paths in NEEDED.values() for path in paths}
        example = {
            spelling(key, field): about(annotation, (spelling(key, field),), name=False).example
            for key, field in fields.items()
            if field.is_required() or (*path, spelling(key, field)) in needed
        }
        keys = ", ".join(spelling(key, field) for key, field in fields.items())
        return About(f"an object with {keys}", example or {"jpeg": 80})
    raise LookupError(f"no rule and no About for {key_path(path)}")


def field_at(model: type[BaseModel], path: Path) -> tuple[Any, list[Any]]:
    """Return the type at `path` and its annotations, outermost first."""
    annotation: Any = model
    notes: list[Any] = []
    for step in path:
        annotation = _branch(annotation, step)
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            key = next(key for key, field in annotation.model_fields.items() if spelling(key, field) == step)
            field = annotation.model_fields[key]
            annotation, notes = unwrap(field.annotation)
            notes = [*field.metadata, *notes]
        else:
            arguments = get_args(annotation)
            annotation, notes = unwrap(arguments[1] if get_origin(annotation) is dict else arguments[0])
    return annotation, notes


def _branch(annotation: Any, step: str | int) -> Any:
    """Return the member of a union that is a model with the key `step`; any other annotation unchanged."""
    if get_origin(annotation) in (Union, types.UnionType):
        for option in get_args(annotation):
            bare, _ = unwrap(option)
            if isinstance(bare, type) and issubclass(bare, BaseModel) and step in bare.model_fields:
                return bare
    return annotation


def unwrap(annotation: Any) -> tuple[Any, list[Any]]:
    """Strip Annotated and `| None`; return the bare type and its annotations."""
    notes: list[Any] = []
    while True:
        arguments = get_args(annotation)
        if get_origin(annotation) is Annotated:
            annotation, notes = arguments[0], [*notes, *arguments[1:]]
        elif types.NoneType in arguments:
            annotation = next(option for option in arguments if option is not types.NoneType)
        else:
            return annotation, notes


def known_keys(model: type[BaseModel], group: Path) -> list[str]:
    """Return the keys that the group at this path may have, as the configuration spells them."""
    annotation, _ = field_at(model, group)
    if get_origin(annotation) in (Union, types.UnionType):
        annotation = next(
            bare
            for bare, _ in map(unwrap, get_args(annotation))
            if isinstance(bare, type) and issubclass(bare, BaseModel)
        )
    return [spelling(key, field) for key, field in annotation.model_fields.items()]


def spelling(key: str, field: FieldInfo) -> str:
    """Return a key as the configuration spells it: in camelCase."""
    return field.alias or key


def docstrings(model: type[BaseModel]) -> dict[str, str]:
    """Return the string below each attribute of a class that a module declares; none of one made by a call."""
    declared = ast.parse(inspect.getsource(inspect.getmodule(model) or model)).body
    (body,) = [
        node.body for node in declared if isinstance(node, ast.ClassDef) and node.name == model.__name__
    ] or [[]]
    return {
        attribute.target.id: inspect.cleandoc(meaning.value.value)
        for attribute, meaning in pairwise(body)
        if isinstance(attribute, ast.AnnAssign)
        and isinstance(attribute.target, ast.Name)
        and isinstance(meaning, ast.Expr)
        and isinstance(meaning.value, ast.Constant)
        and isinstance(meaning.value.value, str)
    }
