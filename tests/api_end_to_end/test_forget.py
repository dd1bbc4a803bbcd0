"""An operator forgets a key in the served stack: nothing is left of it but emptied records."""

import json
import time
from pathlib import Path
from uuid import uuid4

import pytest

from media_pipeline.records.answer_cache import PARTITIONS
from operations.__main__ import main
from operations.forget import KEPT_FIELDS, LATE_EVENT_DAYS
from tests.api_end_to_end.served_stack import ServedStack, card, photo


@pytest.mark.long
def test_a_forgotten_key_leaves_nothing_but_emptied_records(
    stack: ServedStack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key, longer = f"forget-{uuid4()}.jpg", f"kept-{uuid4()}"
    longer = f"{key}/{longer}"
    for name, data in ((key, photo(f"{uuid4()}")), (key, card(Weapons=99.0)), (longer, photo(f"{uuid4()}"))):
        stack.s3.put_object(Bucket=stack.uploads, Key=name, Body=data)
        stack.wait_for_outcomes([name])
    stack.wait_for_outcomes([key, longer])
    judged = [
        picture["sha256"]
        for record in stack.deployed.records(key)
        for picture in record.get("moderation", {}).get("pictures", ())
    ]
    assert judged
    file = tmp_path / "outputs.json"
    file.write_text(json.dumps(stack.outputs))
    arguments = ["forget", key, "--case", "GDPR-7", "--stack", "dev", "--outputs", str(file)]
    assert main([*arguments, "--dry-run"]) == 0
    assert stack.status(key) == "BLOCKED"
    assert main(arguments) == 0, capsys.readouterr()
    said = capsys.readouterr().out
    assert "what remains" in said
    assert "out of reach" in said

    assert not [version for version in stack.versions() if version[0] == key]
    for bucket in ("quarantine_bucket", "renditions_bucket"):
        assert not [
            name
            for name in stack.deployed.keys(bucket)
            if name.startswith(f"{key}/") and not name.startswith(longer)
        ]
    records = stack.deployed.records(key)
    for record in records:
        assert set(record) <= KEPT_FIELDS
        assert 0 < float(record["expires_at"]) - time.time() <= LATE_EVENT_DAYS * 86_400
    answers = {str(each["object_key"]) for each in stack.deployed.records()}
    assert not answers & {PARTITIONS + digest for digest in judged}
    (evidence,) = [name for name in stack.deployed.keys("logs_bucket") if name in said]
    body = stack.s3.get_object(Bucket=stack.outputs["logs_bucket"], Key=evidence)["Body"].read().decode()
    assert key not in body, "the evidence names it by SHA-256"
    assert json.loads(body)["action"] == "forget"
    assert stack.status(longer) == "PUBLISHED"
