"""What the program registers becomes the Terraform plan that Checkov reads, with nothing left out unseen."""

from typing import Any

import pytest

from scripts.audit import policies, terraform
from scripts.audit.stacks import Audited
from tests.components.conftest import Run, run, zips  # noqa: F401 - `run` and `zips` are fixtures
from tests.components.recording import Recording, Registered

PREFIX = "media-pipeline-dev"


def registered(type_: str, name: str, inputs: dict[str, Any], **made_from: tuple[str, ...]) -> Registered:
    return Registered(
        urn=f"urn::{name}", type=type_, name=name, inputs=inputs, parent="", protect=False,
        delete_before_replace=False, provider="", depends_on=(), custom=True, aliases=(), was_at_the_root=False,
        property_dependencies=made_from,
    )  # fmt: skip


UPLOADS = registered("aws:s3/bucket:Bucket", f"{PREFIX}-uploads", {"forceDestroy": True})


@pytest.fixture(scope="module")
def recorded(run: Run) -> Recording:  # noqa: F811
    return run("dev", {"reconcile": "daily", "review": {"console": True}, "dashboard": True})


def test_names_and_blocks_are_spelled_as_terraform_does() -> None:
    rule = {"allowedOrigins": ["*"], "maxAgeSeconds": 600.0}
    cors = registered(
        "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration", f"{PREFIX}-cors", {"corsRules": [rule]}
    )
    assert terraform.address(cors, PREFIX) == "aws_s3_bucket_cors_configuration.cors"
    assert terraform.values(cors) == {"cors_rule": [{"allowed_origins": ["*"], "max_age_seconds": 600}]}


def test_a_type_that_terraform_calls_otherwise_has_its_name_or_no_check_would_look_at_it() -> None:
    selector = {"fieldSelectors": [{"field": "resources.ARN", "startsWiths": ["arn:"]}]}
    inputs = {"kmsKeyId": "k", "advancedEventSelectors": [selector]}
    trail = registered("aws:cloudtrail/trail:Trail", f"{PREFIX}-trail", inputs)
    assert terraform.address(trail, PREFIX) == "aws_cloudtrail.trail"
    field = {"field": "resources.ARN", "starts_with": ["arn:"]}
    assert terraform.values(trail) == {
        "kms_key_id": "k",
        "advanced_event_selector": [{"field_selector": [field]}],
    }


def test_one_object_is_one_block_and_a_map_stays_a_map() -> None:
    inputs = {"tracingConfig": {"mode": "Active"}, "environment": {"variables": {"VIDEO_enabled": "true"}}}
    function = registered("aws:lambda/function:Function", f"{PREFIX}-process-image", inputs)
    assert terraform.values(function) == {
        "tracing_config": [{"mode": "Active"}],
        "environment": [{"variables": {"VIDEO_enabled": "true"}}],
    }


def test_an_argument_made_from_another_resource_refers_to_it_and_a_document_keeps_its_text() -> None:
    policy = registered(
        "aws:s3/bucketPolicy:BucketPolicy", f"{PREFIX}-policy", {"bucket": "b", "policy": '{"Statement": []}'},
        bucket=(UPLOADS.urn,), policy=(UPLOADS.urn,),
    )  # fmt: skip
    plan = terraform.plan([UPLOADS, policy], PREFIX)
    planned = plan["planned_values"]["root_module"]["resources"][1]
    configured = plan["configuration"]["root_module"]["resources"][1]
    assert planned["values"] == {"policy": '{"Statement": []}'}
    assert configured["expressions"] == {
        "bucket": {"references": ["aws_s3_bucket.uploads.id", "aws_s3_bucket.uploads"]}
    }


def test_an_argument_in_a_block_refers_too() -> None:
    policy = registered("aws:cloudfront/cachePolicy:CachePolicy", f"{PREFIX}-cached", {})
    behaviour = {"cachePolicyId": f"{PREFIX}-cached-1a2b3c4", "compress": False}
    distribution = registered(
        "aws:cloudfront/distribution:Distribution", f"{PREFIX}-edge", {"defaultCacheBehavior": behaviour},
        defaultCacheBehavior=(policy.urn,),
    )  # fmt: skip
    plan = terraform.plan([policy, distribution], PREFIX)
    planned = plan["planned_values"]["root_module"]["resources"][1]
    configured = plan["configuration"]["root_module"]["resources"][1]
    assert planned["values"] == {"default_cache_behavior": [{"compress": False}]}
    at = "aws_cloudfront_cache_policy.cached"
    references = {"cache_policy_id": {"references": [f"{at}.id", at]}}
    assert configured["expressions"] == {"default_cache_behavior": [references]}


@pytest.mark.parametrize(
    ("type_", "inputs", "says"),
    [
        ("aws:ec2/vpc:Vpc", {}, "the module 'ec2'"),
        ("aws:sqs/queue:Queue", {"walls": [{"height": 2}]}, "the blocks 'walls'"),
    ],
)
def test_what_has_no_terraform_name_is_an_error(type_: str, inputs: dict[str, Any], says: str) -> None:
    with pytest.raises(LookupError, match=says):
        terraform.plan([registered(type_, "n", inputs)], "")


def test_every_resource_of_a_stack_is_in_its_plan_under_an_address_of_its_own(recorded: Recording) -> None:
    plan = terraform.plan(recorded.resources, PREFIX)
    addresses = [each["address"] for each in plan["planned_values"]["root_module"]["resources"]]
    assert len(addresses) == len([each for each in recorded.resources if each.type.startswith("aws:")]) > 100
    assert len(set(addresses)) == len(addresses)
    assert not any(PREFIX in address for address in addresses), "a finding is called the same in each stack"


def test_every_role_and_policy_of_a_stack_is_in_the_account_that_cloudsplaining_reads(
    recorded: Recording,
) -> None:
    collected = policies.collect([Audited("dev", "dev", {}, recorded)])
    account = policies.authorization_details(collected)
    given = [each for each in recorded.resources if each.type.startswith("aws:iam/")]
    assert len(collected) == len(given) > 15
    assert len(account["RoleDetailList"]) + len(account["Policies"]) == len(given)
    assert {"process-image-role", "process-image-policy"} <= {policy.where for policy in collected}
