"""Environment variables that say their own name when something is wrong with them."""

import json
import math
from collections.abc import Callable, Mapping
from typing import TypeVar

from media_pipeline.errors import SettingsError

T = TypeVar("T")
U = TypeVar("U")


class Variables:
    """A function's environment; every method raises SettingsError that names the variable."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def __contains__(self, name: str) -> bool:
        return name in self._environment

    def text(self, name: str) -> str:
        """Read a variable that must be there and not be empty."""
        value = self._environment.get(name, "")
        if not value:
            raise SettingsError(f"the environment variable {name} is missing or empty")
        return value

    def optional(self, name: str) -> str | None:
        """Read a variable that may be left out, but not be empty."""
        return self.text(name) if name in self else None

    def parsed(self, name: str, parse: Callable[[str], T], wanted: str) -> T:
        """Read a variable through `parse`, whose ValueError means that it is not what was `wanted`."""
        value = self.text(name)
        try:
            return parse(value)
        except ValueError as error:
            raise SettingsError(f"the environment variable {name} is {value[:80]!r}, not {wanted}") from error

    def seconds(self, name: str) -> float:
        """Read a number of seconds above 0."""
        value = self.parsed(name, float, "a number of seconds")
        if not 0 < value < math.inf:
            raise SettingsError(
                f"the environment variable {name} is {value}, not a number of seconds above 0"
            )
        return value

    def boolean(self, name: str) -> bool:
        """Read `true` or `false`."""
        value = self.text(name)
        if value not in ("true", "false"):
            raise SettingsError(f"the environment variable {name} is {value[:80]!r}, neither true nor false")
        return value == "true"

    def built(self, name: str, kind: type[T], build: Callable[[T], U]) -> U:
        """Build something out of a variable that holds JSON of this kind."""
        document = self.parsed(name, json.loads, "JSON")
        if not isinstance(document, kind):
            raise SettingsError(f"the environment variable {name} holds JSON, but no {kind.__name__}")
        try:
            return build(document)
        except (TypeError, ValueError, KeyError) as error:
            raise SettingsError(f"the environment variable {name} does not fit: {error}") from error
