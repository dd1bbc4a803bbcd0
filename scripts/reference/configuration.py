"""The configuration's documents: every key, and the output formats."""

from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from components import config_schema
from components.config_errors import Path, key_path
from components.config_model import Cover, StackKeys
from components.formats import FORMATS
from components.stack_files import StackFiles
from scripts.reference.markdown import code, document, table
from tests.components.recording import PROJECT

_FREE_NAMES = {("sizes",): ("<name>",)}  # an object whose keys an operator chooses
_MISSING = object()


def keys(stacks: tuple[str, ...]) -> str:
    """Return the document with every key: its meaning, what is allowed, its default, and each stack's value."""
    values = {stack: StackFiles.read(PROJECT, stack) for stack in stacks}
    declared = values[stacks[0]].declared
    rows = [
        (
            code(key_path(path)),
            meaning,
            words.allowed,
            _show(declared[str(path[0])].get("default", _MISSING)) if len(path) == 1 else "",
            *(_show(_value(files.values, path)) for files in values.values()),
        )
        for path, meaning, words in _walk(StackKeys, ())
    ]
    return document(
        "Configuration keys",
        "Set a key with `pulumi config set --path <key> <value>`. "
        "[Configuration](../operator/configuration.md) explains what they do together. An object has no default: "
        "each stack's file spells it out. The last columns are the stacks of this repository.",
        table(("key", "meaning", "allowed", "default", *(f"`{stack}`" for stack in stacks)), rows),
    )


def formats() -> str:
    """Return the document with every output format."""
    rows = [
        (
            code(name),
            code(known.content_type),
            code(known.extension),
            "lossless" if known.default_quality is None else f"lossy, `quality.{name}`",
            known.default_quality or "",
            "kept" if known.transparency else "over `background`",
            known.browsers,
        )
        for name, known in FORMATS.items()
    ]
    return document(
        "Output formats",
        "The formats that `formats` accepts. A lossy format needs its quality, from 1 to 100; the suggested "
        "one is what "
        "the error about a missing quality proposes.",
        table(
            (
                "format",
                "content type",
                "extension",
                "encoding",
                "suggested quality",
                "transparency",
                "browsers, from",
            ),
            rows,
        ),
    )


def _walk(model: type[BaseModel], group: Path) -> Iterator[tuple[Path, str, Any]]:
    """Yield path, meaning and words of every key that can be set, depth first."""
    meanings = config_schema.docstrings(model)
    for name, field in model.model_fields.items():
        path = (*group, config_schema.spelling(name, field))
        inner = config_schema.unwrap(field.annotation)[0]
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _walk(inner, path)
            continue
        yield (
            path,
            field.description or meanings.get(name, ""),
            config_schema.about(StackKeys, path, name=False),
        )
        if entry := _entry(inner):
            yield from _walk(entry, (*path, 0))
        if path in _FREE_NAMES:
            for key, meaning in config_schema.docstrings(Cover).items():
                below = (*path, *_FREE_NAMES[path], key)
                yield below, meaning, config_schema.about(Cover, (key,), name=False)


def _entry(annotation: Any) -> type[BaseModel] | None:
    """Return the model of the entries of a list; None for anything else."""
    if get_origin(annotation) is not tuple:
        return None
    entry = config_schema.unwrap(get_args(annotation)[0])[0]
    return entry if isinstance(entry, type) and issubclass(entry, BaseModel) else None


def _value(values: Mapping[str, object], path: Path) -> object:
    value = values.get(f"media-pipeline:{path[0]}", _MISSING)
    for step in path[1:]:
        value = value.get(step, _MISSING) if isinstance(value, Mapping) else _MISSING
    return value


def _show(value: object) -> str:
    """Return a value as text; nothing for a missing one, entries of an object separated by commas."""
    if value is _MISSING:
        return ""
    if isinstance(value, Mapping):
        return ", ".join(f"`{name}` {_inner(inner)}" for name, inner in value.items())
    if isinstance(value, list):
        return ", ".join(_show(inner) for inner in value) or "none"
    if isinstance(value, bool):
        return code("true" if value else "false")
    return code(value)


def _inner(value: object) -> str:
    return f"({_show(value)})" if isinstance(value, Mapping) else _show(value)
