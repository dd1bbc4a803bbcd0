"""The configuration as the engine passes it to the program: strings, objects and arrays as JSON text."""

import json
from collections.abc import Mapping

from pulumi.runtime import config as runtime_config


def namespace(name: str) -> dict[str, str]:
    """Return all keys of one namespace, without their prefix.

    `pulumi.Config` returns single keys only, so that a misspelled key would go unnoticed.
    """
    everything = {**runtime_config.get_config_env(), **runtime_config.CONFIG.get()}
    return {
        key.removeprefix(f"{name}:"): value for key, value in everything.items() if key.startswith(f"{name}:")
    }


def typed(raw: Mapping[str, str]) -> dict[str, object]:
    """Parse objects and arrays; leave every other value the string that the engine made of it."""
    values: dict[str, object] = dict(raw)
    for key, value in raw.items():
        if isinstance(value, str) and value.lstrip().startswith(("{", "[")):
            try:
                values[key] = json.loads(value)
            except json.JSONDecodeError:
                continue  # stays text: the key's own rule refuses it and shows it
    return values
