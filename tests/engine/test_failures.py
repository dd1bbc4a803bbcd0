"""Failures: what the engine prints, and that the documented steps recover from them."""

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from embedded_aws.resources import HANDLERS
from tests.engine.operator_session import NO_CHANGES, OperatorSession, operator_session

TABLE = "aws:dynamodb/table:Table"
LAYER = "aws:lambda/layerVersion:LayerVersion"
QUEUE = "aws:sqs/queue:Queue"


@contextmanager
def _faulty(monkeypatch: pytest.MonkeyPatch, fault: str) -> Iterator[OperatorSession]:
    monkeypatch.setenv("FAULT", fault)
    with operator_session("dev", checkpoints=True, serving=("-m", "tests.engine.faulty_world")) as session:
        yield session


@pytest.fixture(scope="module")
def refused_at_once() -> Iterator[OperatorSession]:
    """Yield a session in which nothing is ever deployed; tests that share it take back what they configure."""
    with operator_session("dev") as session:
        yield session


def test_a_wrong_configuration_is_one_message_and_registers_nothing(refused_at_once: OperatorSession) -> None:
    fresh = refused_at_once
    fresh.config_set("moderation.block.Wepons", "90")
    fresh.config_set("memory.image", "64")
    refused = fresh.pulumi("up", "--yes", expect=None)
    assert refused.code != 0
    for message in ("Wepons", "Weapons", "memory.image", "360"):
        assert message in refused.text
    assert "Traceback" not in refused.text
    diagnostics = refused.text.partition("Diagnostics:")[2]
    assert diagnostics.count("error: ") == 2, "the message, and the engine's own word that the program ended"
    assert {resource["type"] for resource in fresh.state()} <= {"pulumi:pulumi:Stack"}
    assert fresh.leftovers() == []
    fresh.pulumi("config", "rm", "--path", "moderation.block.Wepons")
    fresh.config_set("memory.image", "1769")


def test_a_value_of_the_wrong_type_is_refused_before_the_program_starts(
    refused_at_once: OperatorSession,
) -> None:
    refused_at_once.pulumi("config", "set", "grayscale", "perhaps")
    refused = refused_at_once.pulumi("preview", expect=None)
    refused_at_once.pulumi("config", "set", "grayscale", "false")
    assert refused.code != 0
    assert "'grayscale' must be of type 'boolean'" in refused.text
    assert "Traceback" not in refused.text


def test_a_second_up_completes_a_deployment_that_failed_half_way(monkeypatch: pytest.MonkeyPatch) -> None:
    with _faulty(monkeypatch, f"refuse:{TABLE}") as session:
        failed = session.pulumi("up", "--yes", "--skip-preview", expect=None)
        assert failed.code != 0
        assert "ServiceUnavailable: please try again" in failed.text
        made = {resource["urn"]: resource.get("id") for resource in session.state()}
        assert any("aws:" in urn for urn in made)
        assert not any(TABLE in urn for urn in made)
        session.up()
        now = {resource["urn"]: resource.get("id") for resource in session.state()}
        assert made.items() <= now.items(), "what was made by then is kept"
        assert session.preview("--expect-no-changes") == NO_CHANGES


def _queues(session: OperatorSession) -> list[str]:
    urls: list[str] = session.aws.client("sqs").list_queues().get("QueueUrls", [])
    return urls


def _pending(session: OperatorSession) -> list[dict[str, Any]]:
    """Return the resources that the engine's state lists as pending creations."""
    pending: list[dict[str, Any]] = session.export()["deployment"].get("pending_operations") or []
    return [operation["resource"] for operation in pending]


def _waits_for_the_queue_alone(session: OperatorSession) -> bool:
    """Return whether the queue is all that is pending; the engine may be writing its state just now."""
    exported = session.pulumi("stack", "export", expect=None)
    if exported.code:
        return False
    pending = json.loads(exported.output)["deployment"].get("pending_operations") or []
    return _types([operation["resource"] for operation in pending]) == {QUEUE}


def _types(resources: list[dict[str, Any]]) -> set[str]:
    return {resource["type"] for resource in resources}


def _name(resource: dict[str, Any]) -> str:
    """Return the physical name, or "" if the type has none."""
    named = HANDLERS[resource["type"]].autoname
    return resource["inputs"][named.input] if named is not None else ""


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL here")
def test_a_killed_engine_is_recovered_by_the_documented_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    with _faulty(monkeypatch, f"hang:{QUEUE}") as session:
        up = session.start("up", "--yes", "--skip-preview")
        deadline = time.monotonic() + 40
        # Wait until only the queue is pending. Check twice, in case another creation was about to start.
        seen = 0
        while seen < 2 and time.monotonic() < deadline:
            time.sleep(0.5)
            seen = seen + 1 if _queues(session) and _waits_for_the_queue_alone(session) else 0
        os.killpg(up.pid, signal.SIGKILL)
        up.wait()
        locked = session.pulumi("up", "--yes", "--skip-preview", expect=None)
        assert locked.code != 0
        assert "the stack is currently locked" in locked.text
        session.pulumi("cancel", "--yes")
        pending = _pending(session)
        assert _types(pending) == {QUEUE}
        session.pulumi("refresh", "--yes", "--skip-preview", "--clear-pending-creates")
        assert _pending(session) == []
        _delete_orphans(session, pending)
        session.up()
        assert session.preview("--expect-no-changes") == NO_CHANGES
        session.pulumi("destroy", "--yes", "--skip-preview")
        assert session.leftovers() == [], "the state had named all that was made without its knowledge"


def _delete_orphans(session: OperatorSession, pending: list[dict[str, Any]]) -> None:
    """Delete by hand, as the documentation says, what a pending creation had already created."""
    deleted = 0
    for resource in pending:
        handler, name = HANDLERS[resource["type"]](session.aws), _name(resource)
        candidates = [name]
        if resource["type"] == QUEUE:
            candidates = [url for url in _queues(session) if url.endswith(f"/{name}")]
        elif resource["type"] == LAYER:
            listed = session.aws.client("lambda").list_layer_versions(LayerName=name)["LayerVersions"]
            candidates = [version["LayerVersionArn"] for version in listed]
        for id_ in candidates:
            if id_ and handler.read(id_) is not None:
                handler.delete(id_, resource["inputs"])
                deleted += 1
    assert deleted, "the queue was made, and is in no state"
