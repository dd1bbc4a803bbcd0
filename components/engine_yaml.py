"""YAML as the engine reads it, which is not quite as PyYAML does."""

import re
from collections.abc import Hashable
from typing import Any

import yaml


class _Loader(yaml.SafeLoader):
    """Only true and false are booleans, so that `mode: off` is a word; nothing is a date; no key stands twice."""

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
        return super().construct_mapping(node, deep=deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":bool", ":timestamp"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile("^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)


def load(source: bytes) -> Any:
    """Read one document; None for an empty one. Raises yaml.YAMLError, for bytes that are no UTF-8 as well."""
    try:
        text = source.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = source.count(b"\n", 0, error.start) + 1
        raise yaml.YAMLError(f"line {line} is not UTF-8: save the file in that encoding") from error
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
