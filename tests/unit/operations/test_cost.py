"""What `operations cost` adds up from records: figures that can be checked by hand, and those of real pictures."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest

from components.config_model import StackConfig
from components.stack_files import read_config
from operations.__main__ import main
from operations.billed import READ, judged, units
from operations.cost import DAY, NO_RECORD, Costs, requests_counted
from operations.prices import Prices
from operations.scanning import scan
from tests.components.recording import PROJECT
from tests.fixtures.moto_stack import MotoStack
from tests.unit.images.drawing import detailed
from tests.unit.processing.test_judged_requests import saved


@pytest.fixture(scope="module")
def config() -> StackConfig:
    return read_config(PROJECT, "dev")


def moderated(verdict: str, *reused: bool, reason: str | None = None) -> dict[str, Any]:
    pictures = [
        {"sha256": f"{number:064x}", "labels": [], "reused": each} for number, each in enumerate(reused)
    ]
    return {
        "verdict": verdict,
        "mode": "enforce",
        "reason": reason,
        "judged": len(pictures),
        "pictures": pictures,
    }


def record(key: str, **facts: Any) -> dict[str, Any]:
    return {
        "object_key": key,
        "sequencer": "0" * 32,
        "status": "PUBLISHED",
        "attempt": 1,
        "finished_at": "2026-11-01T00:00:00.000Z",
        "milliseconds": {"total": 1000.0},
        **facts,
    }


def test_a_picture_is_paid_for_once_however_often_it_is_among_the_judged_ones_and_not_if_it_was_known() -> (
    None
):
    moderation = moderated("allow", False, True, True)
    moderation["pictures"].append(moderation["pictures"][0])
    assert judged({"moderation": moderation}) == (1, 2)


def test_what_a_cut_off_attempt_has_asked_is_paid_for_and_what_is_off_is_not() -> None:
    assert judged({"answers": {"pictures": [{"sha256": "a"}, {"sha256": "b"}]}}) == (2, 0)
    assert judged({"moderation": {"verdict": "off", "judged": 0}}) == (0, 0)
    assert judged({"moderation": {"verdict": "allow", "judged": 3}}) == (3, 0)
    assert judged({}) == (0, 0)


def test_files_the_upload_and_the_copy_in_quarantine_are_writes_of_s3(config: StackConfig) -> None:
    files = [{"key": "a", "bytes": 10}, {"key": "b", "bytes": 10}]
    assert units(record("a.jpg", renditions=files), config)["s3_write"] == 3
    withheld = record("a.jpg", status="BLOCKED", original="quarantine", review=[{"key": "1.jpg"}])
    assert units(withheld, config)["s3_write"] == 3


def test_the_door_of_the_api_is_billed_and_so_is_the_memory_of_the_function_that_worked(
    config: StackConfig,
) -> None:
    direct, sent = units(record("a.jpg"), config), units(record("api/a.jpg"), config)
    assert (direct["api_request"], sent["api_request"]) == (0, 1)
    video = units(record("a.mp4", content_type="video/mp4"), config)
    assert config.memory.video is not None
    ratio = (config.memory.video - config.memory.image) / 1024
    assert video["lambda_gigabyte_second"] - direct["lambda_gigabyte_second"] == pytest.approx(ratio)


def test_dollars_are_by_rule_and_by_prefix_and_what_was_known_before_is_saved(config: StackConfig) -> None:
    struck = "Weapons 96.0 reached the block threshold of 90"
    costs = Costs.of(
        [
            record("shop/a.jpg", moderation=moderated("allow", False)),
            record("shop/b.jpg", moderation=moderated("allow", True)),
            record("c.jpg", status="BLOCKED", moderation=moderated("block", False, reason=struck)),
            record("d.txt", status="REJECTED"),
        ],
        config,
    )
    found = costs.document(since=None, now=0.0)
    assert (found["objects"], found["judged"], found["saved"]) == (4, 2, 0.001)
    assert set(found["by_rule"]) == {"allowed", "block Weapons", "rejected"}
    assert {name: row["objects"] for name, row in found["by_prefix"].items()} == {
        "shop/": 2,
        "(no prefix)": 2,
    }
    for rows in (found["by_rule"], found["by_prefix"]):
        assert sum(row["dollars"] for row in rows.values()) == pytest.approx(found["total"])
    assert sum(found["by_service"].values()) == pytest.approx(found["total"])


def test_requests_that_no_record_shows_are_paid_for_and_have_a_row_of_their_own(config: StackConfig) -> None:
    costs = Costs.of([record("a.jpg", moderation=moderated("allow", False))], config)
    before = costs.total.dollars
    costs.count_requests(1)
    assert (costs.unrecorded, costs.total.dollars) == (0, before)
    costs.count_requests(4)
    found = costs.document(since=None, now=0.0)
    assert (found["objects"], found["judged"], found["in_no_record"]) == (1, 4, 3)
    assert found["total"] - before == pytest.approx(0.003)
    for rows in (found["by_rule"], found["by_prefix"]):
        assert rows[NO_RECORD]["dollars"] == pytest.approx(0.003)
        assert sum(row["dollars"] for row in rows.values()) == pytest.approx(found["total"])
    assert "3 of the judged pictures are in no record" in "\n".join(costs.lines(since=None, now=0.0))


def test_with_a_trail_each_request_for_an_object_is_paid_for_once_more(config: StackConfig) -> None:
    trail = config.access_logs.model_copy(update={"locked_days": 30})
    logged = config.model_copy(update={"access_logs": trail})
    one = record("a.jpg", moderation=moderated("block", False), original="quarantine")
    without, found = (Costs.of([one], each).document(since=None, now=0.0) for each in (config, logged))
    assert without["by_service"]["CloudTrail"] == 0
    requests = units(one, config)["s3_write"] + units(one, config)["s3_read"] + 1  # the original's deletion
    assert found["by_service"]["CloudTrail"] == pytest.approx(requests / 1_000_000)
    assert found["total"] == pytest.approx(without["total"] + requests / 1_000_000)


def test_invalidations_are_paid_for_by_the_path(config: StackConfig) -> None:
    costs = Costs.of([record("a.jpg", moderation=moderated("allow", False))], config)
    before = costs.total.dollars
    costs.count_invalidations(0)
    assert costs.total.dollars == before
    costs.count_invalidations(200)
    found = costs.document(since=None, now=0.0)
    assert found["by_service"]["CloudFront"] == pytest.approx(1.0)
    for rows in (found["by_rule"], found["by_prefix"]):
        assert sum(row["dollars"] for row in rows.values()) == pytest.approx(found["total"])
    assert "CloudFront was asked 200 times" in "\n".join(costs.lines(since=None, now=0.0))


@pytest.mark.usefixtures("stack")
@pytest.mark.parametrize("days", [1, 40, 400])
def test_requests_are_those_of_the_stacks_metric_less_what_was_refused(days: int) -> None:
    cloudwatch, now = boto3.client("cloudwatch"), time.time()

    def counted(service: str, value: float, ago: float) -> None:
        cloudwatch.put_metric_data(
            Namespace="MediaPipeline",
            MetricData=[
                {
                    "MetricName": "PicturesJudged",
                    "Dimensions": [{"Name": "service", "Value": service}],
                    "Value": value,
                    "Timestamp": datetime.fromtimestamp(now - ago, UTC),
                }
            ],
        )

    for value, ago in ((1, 30), (1, 30), (-1, 30), (1, (days - 0.5) * DAY), (1, (days + 0.5) * DAY)):
        counted("media-pipeline-dev", value, ago)
    counted("media-pipeline-prod", 1, 30)
    assert requests_counted(cloudwatch, "media-pipeline-dev", since=now - days * DAY, now=now) == 2


def test_a_forecast_needs_a_day_and_is_of_thirty_days(config: StackConfig) -> None:
    costs = Costs.of([record("a.jpg", moderation=moderated("allow", False))], config)
    assert costs.first is not None
    assert costs.month(since=None, now=costs.first + DAY - 1) is None
    assert costs.month(since=None, now=costs.first + 3 * DAY) == pytest.approx(10 * costs.total.dollars)
    assert costs.month(since=costs.first - 3 * DAY, now=costs.first + 3 * DAY) == pytest.approx(
        5 * costs.total.dollars
    )
    assert Costs(config=config).month(since=0.0, now=DAY) is None


def test_the_command_says_what_really_processed_pictures_cost(
    stack: MotoStack, tmp_path: Path, capsys: pytest.CaptureFixture[str], config: StackConfig
) -> None:
    asked = 0
    real = stack.rekognition.detect_moderation_labels

    def counted(**request: Any) -> Any:
        nonlocal asked
        asked += 1
        return real(**request)

    rekognition: Any = stack.rekognition
    rekognition.detect_moderation_labels = counted
    for seed in range(3):
        assert stack.deliver(stack.upload(f"shop/{seed}.jpg", saved(detailed(320, 200, seed=seed), "JPEG")))
    outputs = tmp_path / "outputs.json"
    names = {
        "uploads_bucket": "uploads",
        "records_table": "records",
        "images_queue_url": "https://sqs/images",
    }
    outputs.write_text(json.dumps(names))
    capsys.readouterr()  # the log of the function
    assert main(["cost", "--stack", "dev", "--outputs", str(outputs), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["judged"] == asked == 3
    assert found["by_service"]["Rekognition"] == Prices.read().cost({"rekognition_request": asked})
    listed = list(scan(boto3.client("dynamodb"), "records", READ))
    assert (
        found["stored_gigabytes"]
        == sum(each["bytes"] for record in listed for each in record["renditions"]) / 1e9
    )
    assert main(["cost", "--stack", "dev", "--outputs", str(outputs)]) == 0
    text = capsys.readouterr().out
    assert "3 objects, 3 pictures judged: " in text
    assert "forecast: none" in text
    assert main(["cost", "--stack", "dev", "--outputs", str(outputs), "--since", "1h"]) == 0
