"""Every physical name fits into what AWS allows, for every stack name that the configuration allows."""

import re

import pytest

from components import bounds, environment
from components.stack_files import StackFiles
from embedded_aws.resources import HANDLERS
from tests.components.conftest import Run
from tests.components.recording import PROJECT, Recording, run_program

RANDOM_PART = "-1a2b3c4"
LONGEST = "a" * bounds.STACK_NAME_LENGTH
EVERYTHING = {"notify": {"alerts": ["a@example.com"], "results": ["b@example.com"]}, "reconcile": "daily"}


def too_long(recorded: Recording) -> dict[str, int]:
    """Return the physical names that AWS would refuse, with their limit: what Pulumi makes, and what is given."""
    found = {}
    for resource in recorded.resources:
        if not resource.custom or resource.type not in HANDLERS:
            continue
        autoname = HANDLERS[resource.type].autoname
        if autoname is not None:
            name = str(resource.inputs.get(autoname.input, f"{resource.name}{RANDOM_PART}"))
            if len(name) > autoname.max_length:
                found[f"{resource.type} {name}"] = autoname.max_length
    return found


@pytest.fixture(scope="module")
def longest(run: Run) -> Recording:
    """Return the recording of a stack with the longest name and everything in it."""
    assert environment.STACK_NAME.fullmatch(LONGEST)
    return run_program(StackFiles(LONGEST, StackFiles.read(PROJECT, "dev", EVERYTHING).values))


def test_every_name_of_the_stack_with_the_longest_name_fits(longest: Recording) -> None:
    assert too_long(longest) == {}


def test_one_letter_more_would_not_fit_so_the_limit_is_not_lower_than_it_must_be(run: Run) -> None:
    values = StackFiles.read(PROJECT, "dev", EVERYTHING).values
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(environment, "STACK_NAME", re.compile("a+"))
        assert set(too_long(run_program(StackFiles(f"{LONGEST}a", values))).values()) == {64}


def test_every_type_of_the_program_that_pulumi_names_has_a_known_limit(longest: Recording) -> None:
    """A type without a handler, or a handler without the limit, would be left out of the test above."""
    named = {"name", "layerName", "statementId", "dashboardName"}
    for type_ in {resource.type for resource in longest.resources if resource.custom}:
        if not type_.startswith("aws:"):
            continue
        handler = HANDLERS[type_]
        if handler.autoname is None:
            assert not named & set(handler.carries), type_
