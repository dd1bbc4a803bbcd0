"""A deployed stack whose functions run: its schedule invokes reconcile, which finds what S3 never told of, and an
operator looks at what became of an upload.
"""

import json
import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from embedded_aws.rekognition.cards import draw_card
from embedded_aws.runtime.timescale import TimeScale
from embedded_aws.serving.served_world import ServedWorld
from local.demo import scenes
from media_pipeline.records.decisions import Action
from operations.__main__ import main
from operations.reconcile import Reconcile, places
from operations.stack import StackOutputs
from tests.fixtures.deployed_stack import DeployedStack, deploy_into, packages_for_host, region_of

PATIENCE = 60.0
HOURS = timedelta(hours=2)
WITHOUT_THE_REST = {
    "reconcile": "daily",
    "video.enabled": False,
    "api.enabled": False,
    "tracing": False,
    "sizes": {"thumbnail": 150},
    "formats": ["jpeg"],
}


@pytest.fixture(scope="module")
def served() -> Iterator[ServedWorld]:
    with (
        packages_for_host(),
        ServedWorld(region_of(), profile="young-bucket", timescale=TimeScale(0.3)) as world,
    ):
        yield world


@pytest.fixture(scope="module")
def stack(served: ServedWorld) -> DeployedStack:
    return deploy_into(served.world, "dev", WITHOUT_THE_REST)


def run_schedule(served: ServedWorld) -> Any:
    (schedule,) = served.world.client("scheduler").list_schedules()["Schedules"]
    return served.run_schedule(schedule["Name"])


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def let_hours_pass(stack: DeployedStack, bucket: str) -> None:
    """Make what is in a bucket older than a reconcile leaves alone."""
    from moto.s3.models import s3_backends

    backend = s3_backends[stack.world.account_id]["aws"].buckets[stack.outputs[bucket]]
    for key in backend.keys.values():
        key.last_modified -= HOURS


def logged(stack: DeployedStack, function: str) -> str:
    """Return what a function of the stack's outputs has logged."""
    name = stack.outputs[function]
    settings = stack.world.client("lambda").get_function_configuration(FunctionName=name)
    group = settings["LoggingConfig"]["LogGroup"]
    events = stack.world.client("logs").filter_log_events(logGroupName=group)["events"]
    return "\n".join(event["message"] for event in events)


def is_announced(stack: DeployedStack, key: str) -> bool:
    return any("announced_at" in record for record in stack.records(key))


def test_the_schedule_invokes_its_function_by_itself_once_it_is_deployed(
    served: ServedWorld, stack: DeployedStack
) -> None:
    wait_until(lambda: '"message":"reconciled"' in logged(stack, "reconcile_function"))
    assert served.schedules.faults == []


def test_an_upload_whose_event_a_young_bucket_lost_is_published_by_the_schedule(
    served: ServedWorld, stack: DeployedStack, tmp_path: Any
) -> None:
    photo = tmp_path / "photo.jpg"
    scenes.lake((300, 200)).save(photo)
    stack.upload("early.jpg", photo.read_bytes())
    assert run_schedule(served) == {"repaired": 0, "finished": True}, "its event may still be under way"
    let_hours_pass(stack, "uploads_bucket")
    assert stack.records("early.jpg") == []
    assert run_schedule(served) == {"repaired": 1, "finished": True}
    wait_until(lambda: [record for record in stack.records("early.jpg") if "announced_at" in record])
    (record,) = stack.records("early.jpg")
    assert record["status"] == "PUBLISHED"
    assert run_schedule(served) == {"repaired": 0, "finished": True}


@pytest.mark.long
def test_in_a_young_bucket_a_404_for_a_new_version_is_not_final(stack: DeployedStack, tmp_path: Any) -> None:
    photo = tmp_path / "photo.jpg"
    scenes.lake((301, 200)).save(photo)
    stack.upload("fresh.jpg", photo.read_bytes())
    client, outputs = stack.world.client, StackOutputs.parse(stack.outputs, "the deployment")
    run = Reconcile(
        places=places(outputs),
        s3=client("s3"),
        dynamodb=client("dynamodb"),
        sqs=client("sqs"),
        rate=10,
        grace=0,
    )
    (finding,) = run.find()
    run.repair(finding)
    wait_until(lambda: [record for record in stack.records("fresh.jpg") if record.get("attempt")])
    wait_until(lambda: "owner" not in stack.records("fresh.jpg")[0])
    assert "announced_at" not in stack.records("fresh.jpg")[0], "the message comes back"
    let_hours_pass(stack, "uploads_bucket")
    wait_until(lambda: "announced_at" in stack.records("fresh.jpg")[0])
    assert stack.records("fresh.jpg")[0]["status"] == "PUBLISHED"


@pytest.mark.long
def test_what_s3_never_gives_out_is_rejected_and_what_it_denies_comes_back_until_it_is_allowed(
    served: ServedWorld, stack: DeployedStack, tmp_path: Any
) -> None:
    photo, kms_key = tmp_path / "photo.jpg", "arn:aws:kms:eu-central-1:999999999999:key/1"
    scenes.lake((302, 200)).save(photo)
    client, bucket = stack.world.client, stack.outputs["uploads_bucket"]
    policy = client("s3").get_bucket_policy(Bucket=bucket)["Policy"]
    client("s3").delete_bucket_policy(Bucket=bucket)  # it refuses such uploads
    for key, stored in (
        ("archived.jpg", {"StorageClass": "GLACIER"}),
        ("secret.jpg", {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}),
        ("foreign.jpg", {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key}),
    ):
        client("s3").put_object(Bucket=bucket, Key=key, Body=photo.read_bytes(), **stored)
    client("s3").put_bucket_policy(Bucket=bucket, Policy=policy)
    let_hours_pass(stack, "uploads_bucket")
    assert run_schedule(served)["repaired"] == 3
    for key, said in (("archived.jpg", "archive storage class"), ("secret.jpg", "SSE-C")):
        wait_until(partial(is_announced, stack, key))
        (record,) = stack.records(key)
        assert (record["status"], record["reason"]) == ("REJECTED", "unreadable")
        assert said in record["detail"]
    wait_until(
        lambda: "S3 does not let this function read the upload" in logged(stack, "process_image_function")
    )
    assert "announced_at" not in stack.records("foreign.jpg")[0], "an operator can change it"
    function = client("lambda").get_function_configuration(
        FunctionName=stack.outputs["process_image_function"]
    )
    statement = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": kms_key}
    client("iam").put_role_policy(
        RoleName=function["Role"].rpartition("/")[2],
        PolicyName="decrypt",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    wait_until(lambda: "announced_at" in stack.records("foreign.jpg")[0])
    assert stack.records("foreign.jpg")[0]["status"] == "PUBLISHED"


def test_a_rendition_that_no_record_lists_is_removed_with_the_functions_own_rights(
    served: ServedWorld, stack: DeployedStack
) -> None:
    stack.world.client("s3").put_object(
        Bucket=stack.outputs["renditions_bucket"], Key="a.jpg/1/old-12345678.jpg", Body=b"x"
    )
    let_hours_pass(stack, "renditions_bucket")
    assert run_schedule(served)["repaired"] == 1
    assert stack.keys("renditions_bucket", "a.jpg/") == set()


def test_a_rendition_of_what_a_person_approved_is_published_again_from_quarantine(
    served: ServedWorld, stack: DeployedStack, tmp_path: Any
) -> None:
    card = tmp_path / "card.jpg"
    draw_card({"Violence": 60.0}).save(card, "JPEG", quality=90)
    stack.upload("held.jpg", card.read_bytes())
    let_hours_pass(stack, "uploads_bucket")
    run_schedule(served)
    wait_until(partial(is_announced, stack, "held.jpg"))
    assert stack.records("held.jpg")[0]["status"] == "REVIEW"
    stack.decide("held.jpg", Action.APPROVE, "arn:aws:iam::123456789012:user/reviewer")
    wait_until(lambda: stack.records("held.jpg")[0]["status"] == "PUBLISHED")
    wait_until(partial(is_announced, stack, "held.jpg"))
    renditions = stack.keys("renditions_bucket", "held.jpg/")
    lost = stack.outputs["renditions_bucket"]
    stack.world.client("s3").delete_object(Bucket=lost, Key=min(renditions))
    let_hours_pass(stack, "renditions_bucket")
    assert run_schedule(served)["repaired"] == 1
    wait_until(lambda: stack.keys("renditions_bucket", "held.jpg/") == renditions)
    wait_until(lambda: stack.records("held.jpg")[0]["status"] == "PUBLISHED")


def test_the_schedule_asks_for_nothing_that_it_was_not_granted(
    served: ServedWorld, stack: DeployedStack
) -> None:
    name = stack.outputs["reconcile_function"]
    role = (
        stack.world.client("lambda").get_function_configuration(FunctionName=name)["Role"].rpartition("/")[2]
    )
    assert [access for access in stack.world.access_log.denied if access.role == role] == []
    # Only a run that its time cut off notes where the next one continues.
    assert [need.action for need in stack.world.granted_but_unused(role)] == ["dynamodb:PutItem"]


def test_an_operator_sees_what_became_of_an_upload(
    served: ServedWorld, stack: DeployedStack, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    photo, outputs = tmp_path / "photo.jpg", tmp_path / "outputs.json"
    scenes.lake((302, 200)).save(photo)
    outputs.write_text(json.dumps(stack.outputs))
    version = stack.upload("-seen by all.jpg", photo.read_bytes())
    let_hours_pass(stack, "uploads_bucket")
    run_schedule(served)  # the young bucket lost the event
    wait_until(lambda: is_announced(stack, "-seen by all.jpg"))
    wait_until(lambda: '"-seen by all.jpg"' in logged(stack, "log_notification_function"))
    options = ["--stack", "dev", "--outputs", str(outputs)]
    assert main(["show", *options, "--", "-seen by all.jpg"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("PUBLISHED  20")
    for part in (f"version {version}, ", "attempt 1", "image/jpeg", "labels: none", "original: in uploads\n"):
        assert part in shown
    assert "    1 renditions\n" in shown
    assert main(["tail", *options, "--once", "--since", "1h"]) == 0
    (line,) = [each for each in capsys.readouterr().out.splitlines() if "-seen by all.jpg" in each]
    assert re.fullmatch(r"20\S+Z  PUBLISHED  '-seen by all.jpg'  \d+\.\d s  1 files", line)
    assert main(["status", *options]) == 0
    status = capsys.readouterr().out.splitlines()
    assert f"  {'REVIEW':<32} 0 records" in status
    assert main(["what-if", *options, "--set", "moderation.block.Violence=70"]) == 0
    assert "unknown" in capsys.readouterr().out
