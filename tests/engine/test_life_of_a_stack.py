"""Both stacks as their operator lives with them, from the first preview to the end."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.engine.operator_session import QUIET, Change, Desk, open_desk

SETTLED = 1.1  # seconds until a changed function is seen: on AWS an update takes longer


def test_plain_commands_take_a_stack_from_nothing_to_nothing(fresh: Desk) -> None:
    fresh.up()
    assert fresh.preview("--expect-no-changes") == QUIET
    fresh.pulumi("destroy", "--yes", "--skip-preview")
    assert fresh.leftovers() == []


def test_both_stacks_live_through_their_changes(photo: Path, violent_card: Path) -> None:
    with ThreadPoolExecutor() as stacks:  # side by side: each is a world of its own, and mostly waits
        lives = {stack: stacks.submit(_live, stack, photo, violent_card) for stack in ("dev", "prod")}
    for life in lives.values():
        life.result()


def _live(stack: str, photo: Path, violent_card: Path) -> None:
    with open_desk(stack) as desk:
        _first_deployment(desk)
        assert desk.process(photo)["status"] == "PUBLISHED"
        assert desk.process(violent_card)["status"] == "REVIEW"
        _a_threshold_changes_the_functions_settings_alone(desk)
        assert desk.process(violent_card)["status"] == "BLOCKED"
        _size_memory_and_architecture_change(desk)
        names = {rendition["name"] for rendition in desk.process(photo)["renditions"]}
        assert "tiny" in names
        desk.pulumi("refresh", "--preview-only", "--expect-no-changes")
        if stack == "prod":
            _protection_holds(desk)
            _protection_is_lifted_as_the_documentation_says(desk)
        desk.pulumi("destroy", "--yes", "--skip-preview")
        assert desk.leftovers() == []


def _first_deployment(desk: Desk) -> None:
    planned = desk.preview()
    assert {change.op for change in planned.values()} == {"create"}
    assert desk.leftovers() == [], "a preview makes nothing"
    desk.up()
    made = {resource["urn"].rsplit("::", 1)[-1] for resource in desk.state()}
    assert set(planned) <= made
    assert desk.preview("--expect-no-changes") == QUIET


def _a_threshold_changes_the_functions_settings_alone(desk: Desk) -> None:
    desk.config_set("moderation.block.Violence", "80")
    assert desk.preview() == {
        name: Change("update", ("environment.variables.MODERATION",))
        for name in desk.named("Function")
        if name.endswith(("-process-image", "-process-video"))
    }
    desk.up()
    time.sleep(SETTLED)


def _size_memory_and_architecture_change(desk: Desk) -> None:
    name = f"media-pipeline-{desk.stack}"
    desk.config_set("sizes.tiny", "64")
    desk.config_set("memory.image", "2048")
    desk.config_set("architecture", "x86_64")
    own = {
        f"{name}-process-image": ("environment.variables.SIZES", "memorySize"),
        f"{name}-process-video": ("environment.variables.SIZES", "layers[1]"),
    }
    layers = {
        layer: Change("replace", ("compatibleArchitectures[0]",)) for layer in desk.named("LayerVersion")
    }
    assert desk.preview() == layers | {
        function: Change("update", tuple(sorted(("architectures[0]", "layers[0]", *own.get(function, ())))))
        for function in desk.named("Function")
    }
    desk.up()
    time.sleep(SETTLED)


def _protection_holds(desk: Desk) -> None:
    before = len(desk.state())
    refused = desk.pulumi("destroy", "--yes", expect=None)
    assert refused.code != 0
    assert "pulumi state unprotect" in refused.text
    assert len(desk.state()) == before


def _protection_is_lifted_as_the_documentation_says(desk: Desk) -> None:
    desk.pulumi("config", "set", "protect", "false")
    desk.up()
