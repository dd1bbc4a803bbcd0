"""The plugin's Pulumi Package schema, made of the configuration's models and of the outputs.

Pulumi makes the SDKs of every language from it ("Package schema", Pulumi documentation).
"""

import types
from collections.abc import Iterator, Mapping
from typing import Any, Final, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.alias_generators import to_camel

from components import config_schema
from components.config_model import PROJECT, StackKeys
from components.naming import component_type
from components.outputs import OUTPUTS

TOKEN: Final = component_type("MediaPipeline")
LANGUAGES: Final = ("nodejs", "python", "csharp", "java", "go")
REGION: Final = "region"
CERTAIN_OUTPUTS: Final = frozenset(
    {
        "logs_bucket", "uploads_bucket", "quarantine_bucket", "renditions_bucket", "records_table",
        "events_topic_arn", "alarms_topic_arn", "images_queue_url", "images_dead_letters_url",
        "process_image_function", "dead_letters_function", "log_notification_function",
        "log_notification_dead_letters_url", "may_upload_policy_arn", "may_read_renditions_policy_arn",
    }
)  # fmt: skip
"""Outputs of every configuration; a test holds them against the smallest pipeline."""
SECRET_OUTPUTS: Final = frozenset({"api_key"})

Spec = dict[str, Any]


def package_schema(version: str) -> Spec:
    """Return the schema of the package in this version, as JSON values."""
    return {
        "name": PROJECT,
        "version": version,
        "displayName": "Media pipeline",
        "description": "Moderated media on AWS: photos in, checked and web-ready renditions out.",
        "language": {language: {"respectSchemaVersion": True} for language in LANGUAGES},
        "resources": {
            TOKEN: {
                "isComponent": True,
                "description": "A whole pipeline: buckets, queues, functions, topics and APIs. An input that is not "
                "given has the value of Pulumi.dev.yaml; an object replaces that one as a whole.",
                "inputProperties": {
                    **_properties(StackKeys),
                    REGION: {
                        "type": "string",
                        "plain": True,
                        "description": "The AWS region of the provider, if that is not the stack's `aws:region`.",
                    },
                },
                "properties": {to_camel(name): _output(name) for name in OUTPUTS},
                "required": [to_camel(name) for name in OUTPUTS if name in CERTAIN_OUTPUTS],
            }
        },
        "types": {
            _token(model): {
                "type": "object",
                "description": model.__doc__,
                "properties": _properties(model),
                "required": [
                    config_schema.spelling(name, field)
                    for name, field in model.model_fields.items()
                    if field.is_required()
                ],
            }
            for model in _models(StackKeys)
        },
    }


def _output(name: str) -> Spec:
    spec: Spec = {"type": "string", "description": OUTPUTS[name].meaning}
    return {**spec, "secret": True} if name in SECRET_OUTPUTS else spec


def _properties(model: type[BaseModel]) -> Spec:
    """Return the properties of a group of keys. All are plain: a preview checks them, so they are known by then."""
    meanings = config_schema.docstrings(model)
    return {
        config_schema.spelling(name, field): {
            **_type(field.annotation),
            "description": field.description or meanings.get(name, ""),
        }
        for name, field in model.model_fields.items()
    }


def _type(annotation: Any) -> Spec:
    bare, _ = config_schema.unwrap(annotation)
    origin, arguments = get_origin(bare), get_args(bare)
    if isinstance(bare, type) and issubclass(bare, BaseModel):
        return {"$ref": f"#/types/{_token(bare)}", "plain": True}
    if origin is tuple:
        return {"type": "array", "items": _type(arguments[0]), "plain": True}
    if origin is dict:
        return {"type": "object", "additionalProperties": _type(arguments[1]), "plain": True}
    if origin in (Union, types.UnionType):
        return {"oneOf": [_type(option) for option in arguments], "plain": True}
    if bare in _SCALARS:
        return {"type": _SCALARS[bare], "plain": True}
    return {"type": "string", "plain": True}  # one of a few words


_SCALARS: Final[Mapping[Any, str]] = {bool: "boolean", int: "integer", float: "number", str: "string"}


def _models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """Yield the models below this one, each once."""
    found: dict[str, type[BaseModel]] = {}
    waiting: list[Any] = [field.annotation for field in model.model_fields.values()]
    while waiting:
        bare, _ = config_schema.unwrap(waiting.pop())
        if isinstance(bare, type) and issubclass(bare, BaseModel):
            if bare.__name__ not in found:
                found[bare.__name__] = bare
                waiting += [field.annotation for field in bare.model_fields.values()]
        else:
            waiting += get_args(bare)
    yield from (found[name] for name in sorted(found))


def _token(model: type[BaseModel]) -> str:
    return component_type(model.__name__)
