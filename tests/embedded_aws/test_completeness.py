"""What is to be done for a resource type or a service, and is easily forgotten: each place left out is named here."""

import re
from pathlib import Path

import pytest

import embedded_aws
from embedded_aws import refusals
from embedded_aws.access.actions import SERVICES
from embedded_aws.deployment.leftovers import find_leftovers
from embedded_aws.moto_setup import MOTO_VERSION
from embedded_aws.resources import HANDLERS
from embedded_aws.resources.base import Handler
from embedded_aws.world import World

README = Path(embedded_aws.__file__).with_name("README.md").read_text("utf-8")
TYPES = sorted(HANDLERS)


@pytest.mark.parametrize("type_name", TYPES)
def test_a_type_lists_what_exists_or_names_the_type_that_it_is_removed_with(type_name: str) -> None:
    handler = HANDLERS[type_name]
    lists = handler.existing.__func__ is not Handler.existing.__func__  # type: ignore[attr-defined]
    ways = (lists, handler.removed_with is not None, handler.of_the_account)
    assert sum(ways) == 1, (
        f"{handler.__name__}: define exactly one of `existing`, `removed_with`, `of_the_account`"
    )


@pytest.mark.parametrize("type_name", TYPES)
def test_a_type_that_is_removed_with_another_ends_at_one_that_is_listed(type_name: str) -> None:
    seen = [type_name]
    while (owner := HANDLERS[seen[-1]].removed_with) is not None:
        assert owner in HANDLERS, f"{seen[-1]}.removed_with: there is no type {owner}"
        assert owner not in seen
        seen.append(owner)


@pytest.mark.parametrize("type_name", TYPES)
def test_the_actions_of_a_types_service_are_modelled(type_name: str) -> None:
    service = HANDLERS[type_name].service
    assert service in SERVICES, f"add {service!r} to SERVICES in embedded_aws/access/actions.py"


def test_an_empty_world_has_no_leftovers_of_any_type(world: World) -> None:
    assert find_leftovers(world) == []


def test_the_readme_lists_the_services_and_their_types() -> None:
    rows = dict(re.findall(r"^\| `([\w-]+)` \| (.+?) \|$", README, re.MULTILINE))
    expected: dict[str, set[str]] = {}
    for type_name, handler in HANDLERS.items():
        expected.setdefault(handler.service, set()).add(type_name.rpartition(":")[2])
    assert {service: set(types.split(", ")) for service, types in rows.items()} == expected


def test_the_readme_counts_the_refusals_and_names_the_version_of_moto() -> None:
    assert f"{len(refusals.REFUSALS)} rules" in README
    assert f"moto {MOTO_VERSION}" in README


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:embedded_aws|tests)/[\w/.]+)`", README))))
def test_the_readme_names_places_that_exist(path: str) -> None:
    assert (Path(embedded_aws.__file__).parents[1] / path).exists()
