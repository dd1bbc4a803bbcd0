"""YAML as the engine reads it, which is not quite as PyYAML does."""

import re
from collections.abc import Hashable
from typing import Any, ClassVar

import yaml


class _Rules:
    """Only true and false are booleans, so that `mode: off` is a word; nothing is a date; no key stands twice."""

    yaml_implicit_resolvers: ClassVar = {
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":bool", ":timestamp"))]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: dict[str, yaml.Node] = {}
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.constructor.ConstructorError(
                    "in a mapping",
                    node.start_mark,
                    f"the key {key.value!r} stands there twice",
                    key.start_mark,
                )
            seen[str(key.value)] = key
        made: dict[Hashable, Any] = super().construct_mapping(node, deep=deep)  # type: ignore[misc]
        return made


class _Loader(_Rules, yaml.SafeLoader):
    """Shows the place of an error with the line around it."""


class _FastLoader(_Rules, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Parses in C where PyYAML was built with libyaml."""


for _loader in (_Loader, _FastLoader):
    _loader.add_implicit_resolver(
        "tag:yaml.org,2002:bool", re.compile("^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
    )


def load(source: bytes, *, is_ours: bool = False) -> Any:
    """Read one document; None for an empty one. Raises yaml.YAMLError, for bytes that are no UTF-8 as well.

    `is_ours`: a file that no operator edits, and whose errors nobody has to find; it is read five times faster.
    """
    try:
        text = source.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = source.count(b"\n", 0, error.start) + 1
        raise yaml.YAMLError(f"line {line} is not UTF-8: save the file in that encoding") from error
    return yaml.load(text, Loader=_FastLoader if is_ours else _Loader)  # noqa: S506 - SafeLoaders
