"""World profiles: what an account other than the usual one refuses."""

from contextlib import suppress
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from embedded_aws import profiles
from embedded_aws.world import World

from .refusal_sample import Sample


def test_a_new_account_refuses_functions_over_3008_mb() -> None:
    with World(profile="new-account") as world:
        sample = Sample(world)
        sample.call("create_function", FunctionName="allowed", MemorySize=3_008)
        with pytest.raises(ClientError, match="Value '3009' at 'memorySize' failed to satisfy constraint"):
            sample.call("create_function", FunctionName="refused", MemorySize=3_009)


@pytest.mark.parametrize(("profile", "executions"), [("usual", 1_000), ("new-account", 10)])
def test_service_quotas_shows_the_profiles_quotas(profile: str, executions: float) -> None:
    with World(profile=profile) as world:
        quotas = world.client("service-quotas")
        shown = quotas.get_service_quota(ServiceCode="lambda", QuotaCode="L-B99A9384")
        assert shown["Quota"]["Value"] == executions
        with pytest.raises(ClientError, match="NoSuchResource"):
            quotas.get_service_quota(ServiceCode="lambda", QuotaCode="L-00000000")


def test_a_profile_ends_with_its_world_and_an_unknown_one_is_refused() -> None:
    with World(profile="new-account"):
        assert profiles.active().name == "new-account"
    assert profiles.active() is profiles.USUAL
    with (
        pytest.raises(ValueError, match="known are usual, new-account, young-bucket, throttled"),
        World(profile="old-account"),
    ):
        pass
    with World():
        pass


def test_in_a_young_bucket_events_are_lost_and_new_versions_answer_404() -> None:
    from moto.s3.models import s3_backends

    from embedded_aws.s3 import events

    with World(profile="young-bucket") as world:
        sample = Sample(world)
        s3, sqs = world.client("s3"), world.client("sqs")
        versioning = {"Status": "Enabled"}
        s3.put_bucket_versioning(Bucket="sample", VersioningConfiguration=versioning)
        sample.call("put_bucket_notification_configuration")
        sqs.purge_queue(QueueUrl=sample.queue)  # S3's test event
        version = s3.put_object(Bucket="sample", Key="early", Body=b"1")["VersionId"]
        assert "Messages" not in sqs.receive_message(QueueUrl=sample.queue)
        with pytest.raises(ClientError, match="NoSuchKey"):
            s3.get_object(Bucket="sample", Key="early", VersionId=version)
        for key in s3_backends[world.account_id]["aws"].buckets["sample"].keys.getlist("early"):
            key.last_modified -= timedelta(seconds=31)
        events._configured_at["sample"] -= 31
        assert s3.get_object(Bucket="sample", Key="early", VersionId=version)["Body"].read() == b"1"
        s3.put_object(Bucket="sample", Key="late", Body=b"1")
        (message,) = sqs.receive_message(QueueUrl=sample.queue)["Messages"]
        assert "late" in message["Body"]


def test_where_services_throttle_a_function_gets_refusals_and_the_deployment_none() -> None:
    with World(profile="throttled") as world:
        sample = Sample(world)
        for _ in range(20):
            world.client("sqs").get_queue_attributes(QueueUrl=sample.queue, AttributeNames=["All"])
        function = world.client("sqs", world.assume_role(sample.role))
        codes = []
        for _ in range(14):
            with suppress(ClientError):
                function.get_queue_attributes(QueueUrl=sample.queue, AttributeNames=["QueueArn"])
                continue
            codes.append("refused")
        assert len(codes) == 2
