"""A sample of the transitions that the embedded AWS goes through, with the real engine and every configuration."""

from collections.abc import Mapping
from typing import Any

import yaml

from components.rules import KeyArn
from local.keys import make_key
from tests.engine.operator_session import NO_CHANGES, OperatorSession
from tests.local.deployed.test_transitions import (
    BASE,
    CONFIGURATIONS,
    HOLD_DATA,
    OPTIONAL,
    WITH_AN_OPTION,
    every_option,
)

SAMPLE: tuple[tuple[str, ...], ...] = (
    ("renamed size", "moved address", "no video", "from the edge", "no api"),
    WITH_AN_OPTION,
    ("base",),
)
"""From each to the next; several configurations of the list at once, of which only those with an option share keys."""


def values(names: tuple[str, ...]) -> dict[str, Any]:
    if names == WITH_AN_OPTION:
        return every_option()
    return {**BASE, **{key: value for name in names for key, value in CONFIGURATIONS[name].items()}}


def configure(session: OperatorSession, wanted: Mapping[str, Any]) -> None:
    """Write values into the stack's file; a dotted key reaches into an object."""
    path = session.rehearsal.folder / f"Pulumi.{session.stack}.yaml"
    file = yaml.safe_load(path.read_text("utf-8"))
    for key, value in wanted.items():
        *groups, last = f"media-pipeline:{key}".split(".")
        place = file["config"]
        for group in groups:
            place = place.setdefault(group, {})
        place[last] = value
    encryption = file["config"].get("media-pipeline:encryption") or {}
    if encryption.get("keyArn") == KeyArn.EXAMPLE:
        kms, region = session.aws.client("kms"), session.aws.region
        logs = file["config"].get("media-pipeline:accessLogs")
        account = session.aws.account_id
        made = make_key(kms, stack=session.stack, region=region, account=account, access_logs=logs)
        file["config"]["media-pipeline:encryption"] = {"keyArn": made}
    path.write_text(yaml.safe_dump(file), "utf-8")


def held(session: OperatorSession) -> dict[str, str]:
    """Return the ids of what holds data, but for what only stacks with an option have."""
    return {
        each["urn"]: each["id"]
        for each in session.state()
        if each["type"].endswith(HOLD_DATA)
        and not any(part in each["urn"].rpartition("::")[2] for part in OPTIONAL)
    }


def test_the_sample_has_every_configuration_of_the_list() -> None:
    assert sorted(name for names in SAMPLE for name in names) == sorted(CONFIGURATIONS)
    for names in SAMPLE:
        if names == WITH_AN_OPTION:
            continue
        keys = [key for name in names for key in CONFIGURATIONS[name]]
        assert len(keys) == len(set(keys)), names


def test_a_stack_changes_through_the_sample_and_keeps_its_data(fresh: OperatorSession) -> None:
    configure(fresh, values(("base",)))
    fresh.up()
    data = held(fresh)
    assert len(data) > 5
    for names in SAMPLE:
        configure(fresh, values(names))
        fresh.up()
        assert held(fresh) == data, names
        assert fresh.preview("--expect-no-changes") == NO_CHANGES, names
