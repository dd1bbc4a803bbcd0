"""The life of both stacks from the first preview to their destruction."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.engine.operator_session import NO_CHANGES, Change, OperatorSession, operator_session
from tests.engine.shown_resources import shown_in_process, shown_of_engine

FOLLOW_THE_FUNCTIONS = (
    "EventSourceMapping",
    "Permission",
    "TopicSubscription",
    "MetricAlarm",
    "RestApi",
    "Deployment",
    "Stage",
)
SETTLED = 1.1  # seconds until a changed function is seen: on AWS an update takes longer


def test_plain_commands_create_a_stack_and_leave_nothing_behind(fresh: OperatorSession) -> None:
    fresh.up()
    assert fresh.preview("--expect-no-changes") == NO_CHANGES
    fresh.pulumi("destroy", "--yes", "--skip-preview")
    assert fresh.leftovers() == []


def test_both_stacks_go_through_their_changes(photo: Path, violent_card: Path) -> None:
    # Not in parallel: it is this process that deploys.
    in_process = {stack: shown_in_process(stack) for stack in ("dev", "prod")}
    with ThreadPoolExecutor() as stacks:  # in parallel: each has its own world, and mostly waits
        lives = [
            stacks.submit(_live, stack, expected, photo, violent_card)
            for stack, expected in in_process.items()
        ]
    for life in lives:
        life.result()


def _live(stack: str, in_process: dict[str, Any], photo: Path, violent_card: Path) -> None:
    with operator_session(stack) as session:
        _first_deployment(session)
        _is_what_the_in_process_deployer_creates(session, in_process)
        assert session.process(photo)["status"] == "PUBLISHED"
        assert session.process(violent_card)["status"] == "REVIEW"
        _a_threshold_changes_the_functions_settings_alone(session)
        assert session.process(violent_card)["status"] == "BLOCKED"
        _size_memory_and_architecture_change(session)
        names = {rendition["name"] for rendition in session.process(photo)["renditions"]}
        assert "tiny" in names
        session.pulumi("refresh", "--preview-only", "--expect-no-changes")
        if stack == "prod":
            _protection_holds(session)
            _protection_is_lifted_as_the_documentation_says(session)
        session.pulumi("destroy", "--yes", "--skip-preview")
        left = session.leftovers()
        assert all("/backup/" in each for each in left)
        assert len(left) == (1 if stack == "prod" else 0), "DynamoDB's own backup, for 35 days"


def _first_deployment(session: OperatorSession) -> None:
    planned = session.preview()
    assert {change.op for change in planned.values()} == {"create"}
    assert session.leftovers() == [], "a preview makes nothing"
    session.up()
    made = {resource["urn"].rsplit("::", 1)[-1] for resource in session.state()}
    assert set(planned) <= made
    assert session.preview("--expect-no-changes") == NO_CHANGES


def _is_what_the_in_process_deployer_creates(session: OperatorSession, in_process: dict[str, Any]) -> None:
    shown = shown_of_engine(session)
    assert in_process.keys() == shown.keys()
    different = {urn: (mine, shown[urn]) for urn, mine in in_process.items() if mine != shown[urn]}
    assert different == {}
    assert len(shown) > 50


def _a_threshold_changes_the_functions_settings_alone(session: OperatorSession) -> None:
    session.config_set("moderation.block.Violence", "80")
    assert session.changes() == {
        name: Change("update", ("environment.variables.MODERATION",))
        for name in session.named("Function")
        if name.endswith(("-process-image", "-process-video"))
    }
    time.sleep(SETTLED)


def _size_memory_and_architecture_change(session: OperatorSession) -> None:
    name = f"media-pipeline-{session.stack}"
    session.config_set("sizes.tiny", "64")
    session.config_set("memory.image", "2048")
    session.config_set("architecture", "x86_64")
    own = {
        f"{name}-process-image": ("environment.variables.SIZES", "memorySize"),
        f"{name}-process-video": ("environment.variables.SIZES", "layers[1]"),
    }
    planned = session.changes()
    replaced = {name: change for name, change in planned.items() if name in session.named("Function")}
    assert replaced == {
        function: Change("replace", tuple(sorted(("architectures[0]", "layers[0]", *own.get(function, ())))))
        for function in session.named("Function")
    }
    layers = {
        layer: Change("replace", ("compatibleArchitectures[0]",)) for layer in session.named("LayerVersion")
    }
    assert planned == planned | layers
    follows = {
        name for kind in FOLLOW_THE_FUNCTIONS for name in session.named(kind)
    }  # they name the functions
    assert set(planned) - set(replaced) - set(layers) <= follows
    time.sleep(SETTLED)


def _protection_holds(session: OperatorSession) -> None:
    before = len(session.state())
    refused = session.pulumi("destroy", "--yes", expect=None)
    assert refused.code != 0
    assert "pulumi state unprotect" in refused.text
    assert len(session.state()) == before


def _protection_is_lifted_as_the_documentation_says(session: OperatorSession) -> None:
    session.pulumi("config", "set", "protect", "false")
    session.up()
