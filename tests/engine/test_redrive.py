"""The redrive command finds the stack through Pulumi, and works in the embedded AWS."""

import subprocess
import sys
from pathlib import Path

from tests.engine.operator_session import PROJECT, OperatorSession


def test_a_failed_object_is_found_through_pulumi_and_redriven(deployed: OperatorSession, photo: Path) -> None:
    record = deployed.process(photo)
    table = deployed.outputs()["records_table"]
    deployed.aws.client("dynamodb").update_item(
        TableName=table,
        Key={"object_key": {"S": record["object_key"]}, "sequencer": {"S": record["sequencer"]}},
        UpdateExpression="SET #s = :failed, attention = :failed REMOVE announced_at, renditions",
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={":failed": {"S": "FAILED"}},
    )
    ran = _redrive(deployed, "--dry-run")
    assert "1 would be sent through again." in ran
    assert deployed.record(photo.name, record["version_id"])["status"] == "FAILED"
    assert "1 were sent through again." in _redrive(deployed)
    again = deployed.settled(photo.name, record["version_id"])
    assert (again["status"], again["attempt"]) == ("PUBLISHED", record["attempt"] + 1)
    assert again["renditions"] == record["renditions"]
    assert "0 were sent through again." in _redrive(deployed)


def _redrive(session: OperatorSession, *arguments: str) -> str:
    ran = subprocess.run(
        [
            sys.executable,
            "-m",
            "operations",
            "redrive",
            "--stack",
            session.stack,
            "--status",
            "FAILED",
            *arguments,
        ],
        cwd=session.rehearsal.folder,
        env={**session.environment, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout
