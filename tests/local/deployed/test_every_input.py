"""Every input of every resource of both stacks is held to the SDK's types, also inside nested ones."""

import copy
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from pulumi import FileArchive

from components.packaging import PACKAGES_FOR
from embedded_aws.resources.archives import HashedArchive
from embedded_aws.resources.base import Handler
from embedded_aws.world import World
from local.stacks import deploy, stack_region
from tests.embedded_aws.provider.calls import Place, Provider, connected

PROJECT = Path(__file__).resolve().parents[3]
Given = list[tuple[str, dict[str, Any]]]

# Maps whose keys are the program's own, so that no name in them can be misspelt.
FREE = frozenset(
    {"tags", "triggers", "environment.variables", "dimensions", "metricQueries.metric.dimensions"}
)


@pytest.fixture(scope="module", params=["dev", pytest.param("prod", marks=pytest.mark.long)])
def given(request: pytest.FixtureRequest) -> Given:
    """Return URN and inputs of each resource as the program registers it."""
    seen: Given = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, PACKAGES_FOR, "host")
        check = Handler.check

        def seeing(self: Handler, urn: str, inputs: Mapping[str, Any], provider: Any) -> dict[str, Any]:
            seen.append((urn, {key: _portable(value) for key, value in inputs.items() if value is not None}))
            return check(self, urn, inputs, provider)

        patch.setattr(Handler, "check", seeing)
        with World(region=stack_region(PROJECT, request.param)) as world:
            deploy(PROJECT, request.param, world)
    return seen


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with connected(Place()) as connection:
        connection.configure(region="eu-central-1")
        yield connection


def test_what_the_program_registers_is_accepted(given: Given, provider: Provider) -> None:
    assert len(given) > 50
    assert {urn: faults for urn, inputs in given if (faults := provider.faults(urn, inputs))} == {}


def test_misspelling_any_one_property_name_is_refused_with_its_path(given: Given, provider: Provider) -> None:
    tried = 0
    for urn, inputs in given:
        for mutant, path in _misspelt(inputs):
            faults = provider.faults(urn, mutant)
            assert any(repr(path) in fault for fault in faults), f"{urn}: {path}: {faults}"
            tried += 1
    assert tried > 400


def test_giving_any_one_property_another_type_is_refused_with_its_path(
    given: Given, provider: Provider
) -> None:
    tried = 0
    for urn, inputs in given:
        for mutant, path in _mistyped(inputs):
            faults = provider.faults(urn, mutant)
            assert any(repr(path) in fault for fault in faults), f"{urn}: {path}: {faults}"
            tried += 1
    assert tried > 400


def _misspelt(inputs: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield the inputs with one key after the other misspelt, and that key's path."""
    for keys in _names(inputs):
        mutant = copy.deepcopy(inputs)
        parent, last = _parent(mutant, keys)
        wrong = f"{last[:-1]}{last[-1]}x"
        parent[wrong] = parent.pop(last)
        yield mutant, _path((*keys[:-1], wrong))


def _mistyped(inputs: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield the inputs with one value after the other of a type that no property has: a list of lists."""
    for keys in _names(inputs):
        mutant = copy.deepcopy(inputs)
        parent, last = _parent(mutant, keys)
        parent[last] = [[[]]]
        path = _path(keys)
        # A list's type is told of its items.
        yield mutant, f"{path}[0]" if isinstance(_parent(inputs, keys)[0][last], list) else path


def _names(value: Any, keys: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to every property name, as keys and positions."""
    if isinstance(value, Mapping):
        if ".".join(key for key in keys if isinstance(key, str)) in FREE:
            return
        for key, inner in value.items():
            yield (*keys, key)
            yield from _names(inner, (*keys, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _names(inner, (*keys, index))


def _parent(inputs: Any, keys: tuple[Any, ...]) -> tuple[Any, Any]:
    for key in keys[:-1]:
        inputs = inputs[key]
    return inputs, keys[-1]


def _path(keys: tuple[Any, ...]) -> str:
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys).lstrip(".")


def _portable(value: Any) -> Any:
    return HashedArchive(str(value.path), "0" * 64) if isinstance(value, FileArchive) else value
