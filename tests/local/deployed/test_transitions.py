"""From every configuration of a list to every other in one update: nothing fails, nothing that holds data is replaced.

`make transitions` goes every way; without it, a short way along what most operators change.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise, permutations
from typing import Any

import pytest

from components.rules import KeyArn, SignerKey
from tests.fixtures.deployed_stack import DeployedStack, deployed_stack

ALL = os.environ.get("TRANSITIONS") == "all"
HOLD_DATA = (":Bucket", ":Table", ":Queue")
OPTIONAL = ("video", "webhooks", "trail")
"""Parts of the names of queues and buckets that only stacks with an option have."""
A, B = "a@example.com", "b@example.com"
BASE: dict[str, Any] = {
    "sizes": {"large": 2048, "thumbnail": 150},
    "formats": ["jpeg", "webp"],
    "grayscale": False,
    "transparency": "flatten",
    "background": "#ffffff",
    "moderation.mode": "enforce",
    "moderation.block.Violence": 80,
    "moderation.paths": [],
    "memory.image": 1769,
    "timeout": {"image": 60, "video": 600},
    "concurrency": {"image": 5, "video": 2},
    "limits.videoBytes": 524_288_000,
    "limits.judgedPerDay": 0,
    "video.enabled": True,
    "video.height": 720,
    "api.enabled": True,
    "api.rate": 10,
    "api.corsOrigins": [],
    "retention": {"originals": 14, "quarantine": 30, "records": 30, "logs": 14},
    "notify": {"alerts": [A], "results": []},
    "review": {},
    "lists": {},
    "encryption": {},
    "provenance": {},
    "delivery": {},
    "accessLogs": {},
    "reconcile": "off",
    "dashboard": False,
    "tracing": True,
    "pointInTimeRecovery": False,
    "protect": False,
    "architecture": "arm64",
    "runtime": "python3.13",
    "api.burst": 20,
    "api.quotaPerDay": 10_000,
}
CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "base": {},
    "renamed size": {"sizes": {"big": 2048, "thumbnail": 150}, "formats": ["jpeg", "avif"], "grayscale": True},
    "moved address": {"notify": {"alerts": [], "results": [A, B]}},
    "no video": {
        "video.enabled": False,
        "timeout": {"image": 120},
        "concurrency": {"image": 2},
        "reconcile": "daily",
    },
    "hosted console": {"review": {"console": True}, "tracing": False},
    "appeals and two people": {
        "review": {
            "appealDays": 30,
            "secondLook": 2.5,
            "sampleAllowed": 0.1,
            "approvals": {"default": 1, "Explicit": 2},
        },
        "moderation.paths": [{"prefix": "avatars/", "block": {"Explicit": 40}}],
    },
    "own key": {"encryption": {"keyArn": KeyArn.EXAMPLE}, "provenance": {"keep": True}},
    "locked logs": {"accessLogs": {"lockedDays": 30, "mode": "compliance"}},
    "from the edge": {"delivery": {"cdn": True, "browserSeconds": 60}},
    "from a domain": {
        "delivery": {
            "cdn": True,
            "domain": "images.example.com",
            "certificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012",
            "signed": [SignerKey.EXAMPLE],
        }
    },
    "no api": {"api.enabled": False, "tracing": False, "transparency": "keep", "background": "#102030"},
    "web pages": {"api.corsOrigins": ["https://www.example.com"], "api.rate": 9_000, "moderation.mode": "observe"},
    "kept": {
        "retention": {"originals": 30, "quarantine": 0, "records": 0, "logs": 0},
        "protect": True,
        "pointInTimeRecovery": True,
    },
    "other processor": {"architecture": "x86_64", "runtime": "python3.14", "api.burst": 40, "api.quotaPerDay": 5},
    "larger": {
        "memory.image": 3008,
        "timeout": {"image": 120, "video": 900},
        "limits.videoBytes": 1_073_741_824,
        "limits.judgedPerDay": 50_000,
        "dashboard": True,
        "video.height": 1080,
        "moderation.block.Violence": 90,
        "lists": {"like": "block"},
        "notify": {
            "alerts": [A, B],
            "results": [A],
            "webhooks": [{"url": "http://localhost:1/outcomes", "statuses": ["BLOCKED"], "prefix": "avatars/"}],
            "monthlyDollars": 200,
        },
    },
}  # fmt: skip
SHORT = ("no video", "web pages")


def every_way(names: list[str]) -> list[str]:
    """Return a walk that goes from each configuration to each other exactly once."""
    walk = [names[0]]
    for number, name in enumerate(names[:-1]):
        for other in names[number + 2 :]:
            walk += [other, name]
        walk.append(names[number + 1])
    return [*walk, *reversed(names[:-1])]


WALK = every_way(list(CONFIGURATIONS)) if ALL else list(SHORT)


WITH_AN_OPTION = (
    "appeals and two people",
    "hosted console",
    "own key",
    "locked logs",
    "from a domain",
    "web pages",
    "kept",
    "other processor",
    "larger",
)


def every_option() -> dict[str, Any]:
    """Return the values of a stack with every option on at once."""
    on: dict[str, Any] = dict(BASE)
    for name in WITH_AN_OPTION:
        for key, value in CONFIGURATIONS[name].items():
            on[key] = {**on[key], **value} if isinstance(value, dict) else value
    return {**on, "tracing": True, "reconcile": "daily"}


def values(name: str) -> dict[str, Any]:
    """Return every key of the list, so that an update changes back what the configuration before had changed."""
    return {**BASE, **CONFIGURATIONS[name]}


WAYS = list(pairwise(WALK))
HALF = len(WAYS) // 2


def walked(way: int) -> Any:
    """Return one way as a test's parameters; the first and the second half of the walk each have one worker."""
    before, after = WAYS[way]
    return pytest.param(before, after, id=f"part {way // HALF if ALL else 0}: {before} to {after}")


@dataclass
class Walker:
    """A stack, and the configuration that it is in."""

    stack: DeployedStack
    place: str

    def go(self, name: str) -> Mapping[str, frozenset[str]]:
        """Update the stack to a configuration; return what changed."""
        changes = self.stack.deployment.update(values(name))
        self.place = name
        return changes


@pytest.fixture(scope="module")
def walker() -> Iterator[Walker]:
    with deployed_stack("dev", values(WALK[0])) as deployed:
        yield Walker(deployed, WALK[0])


def held(stack: DeployedStack) -> dict[str, str]:
    """Return the ids of what holds data, but for what only stacks with an option have."""
    return {
        each.urn: each.id
        for each in stack.deployment.resources
        if each.is_custom
        and each.type.endswith(HOLD_DATA)
        and not any(part in each.name for part in OPTIONAL)
    }


def test_the_walk_goes_from_each_configuration_to_each_other_once() -> None:
    names = list(CONFIGURATIONS)
    assert sorted(pairwise(every_way(names))) == sorted(permutations(names, 2))


@pytest.mark.parametrize(("before", "after"), [walked(way) for way in range(len(WAYS))])
def test_a_stack_changes_from_one_configuration_to_another(walker: Walker, before: str, after: str) -> None:
    if walker.place != before:  # the first way of a worker, or one way alone
        walker.go(before)
    data = held(walker.stack)
    walker.go(after)
    assert held(walker.stack) == data, f"what holds data stays, coming from {before}"
    assert walker.go(after) == {}, "a second look finds nothing to change"


@pytest.mark.parametrize("walk", [pytest.param(WALK, id="part 0: the end")])
def test_the_last_configuration_is_destroyed_like_any_other(walker: Walker, walk: list[str]) -> None:
    assert walker.place in walk
    assert walker.stack.deployment.destroy() == []
