"""The scenario that the alarm on old messages promises: Rekognition refuses for an hour, in a quiet stack."""

import json

import pytest
from botocore.exceptions import ClientError

from components.alerting import OLD_SECONDS
from media_pipeline.processing.messages import pause
from tests.fixtures.moto_stack import MotoStack
from tests.unit.processing.driving import draw

OUTAGE = 3600.0
SQS_LOSES_SIGHT = 3  # receives


def ages(text: str) -> list[float]:
    """Return the values of AgeAtHandBack in what the function printed."""
    found: list[float] = []
    for line in text.splitlines():
        found += json.loads(line).get("AgeAtHandBack", []) if line.startswith('{"_aws"') else []
    return found


@pytest.mark.parametrize("timeout", [60, 120, 600, 900])
def test_an_outage_in_a_quiet_stack_rings_before_it_has_lasted_an_hour(
    stack: MotoStack, timeout: float, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "MediaPipeline")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "media-pipeline-dev")
    response = {"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}
    stack.rekognition.error = ClientError(response, "DetectModerationLabels")  # type: ignore[arg-type]
    event = stack.upload("a.jpg", draw((1, 2, 3)))
    sent = stack.clock.now
    rang: float | None = None
    seen_by_sqs = 0.0
    receives = 1
    while rang is None and stack.clock.now < sent + OUTAGE:
        assert not stack.deliver(event, receives=receives, sent=sent)
        if receives < SQS_LOSES_SIGHT:
            seen_by_sqs = stack.clock.now - sent
        if max(ages(capsys.readouterr().out)) >= OLD_SECONDS:
            rang = stack.clock.now - sent
        stack.clock.now += pause(stack.rekognition.error, receives, timeout)
        receives += 1
    assert rang is not None
    assert rang < OUTAGE
    assert seen_by_sqs < 2 * 6 * timeout, "the alarm on SQS's own age would have stayed silent"
