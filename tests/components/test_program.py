"""What holds for every resource of both stacks, whatever it is."""

import re

import pytest

from components.function_specs import FUNCTIONS
from components.outputs import OUTPUTS
from components.replacement import SETTINGS
from components.storage import BUCKETS
from tests.components.conftest import WHOLE, Run
from tests.components.recording import ACCOUNT, Recording
from tests.local.deployed.test_transitions import every_option

MAPPING = "aws:lambda/eventSourceMapping:EventSourceMapping"

FAMILIES = {
    "media-pipeline:index:MediaStorage",
    "media-pipeline:index:MediaProcessing",
    "media-pipeline:index:MediaAlerting",
    "media-pipeline:index:OutcomeLog",
    "media-pipeline:index:ScheduledFunction",
    "media-pipeline:index:ApplicationAccess",
    "media-pipeline:index:UploadApi",
    "media-pipeline:index:ReviewConsole",
}
PATTERNS = {
    "notified_addresses": r"ops@example\.com(,team@example\.com)?",
    **{spec.output: rf"media-pipeline-{{stack}}-{spec.name}-\w{{{{7}}}}" for spec in (*BUCKETS, *FUNCTIONS)},
    "records_table": r"media-pipeline-{stack}-records-\w+",
    "events_topic_arn": rf"arn:aws:sns:eu-central-1:{ACCOUNT}:media-pipeline-{{stack}}-events-\w+",
    "alarms_topic_arn": rf"arn:aws:sns:eu-central-1:{ACCOUNT}:media-pipeline-{{stack}}-alarms-\w+",
    "images_queue_url": r"https://sqs\..*/media-pipeline-{stack}-images-\w{{7}}",
    "images_dead_letters_url": r"https://sqs\..*/media-pipeline-{stack}-images-dead-letters-\w+",
    "videos_queue_url": r"https://sqs\..*/media-pipeline-{stack}-videos-\w{{7}}",
    "videos_dead_letters_url": r"https://sqs\..*/media-pipeline-{stack}-videos-dead-letters-\w+",
    **{
        spec.dead_letters_output: rf"https://sqs\..*-{{stack}}-{spec.name}-dead-letters-\w+"
        for spec in FUNCTIONS
        if spec.subscribes
    },
    "may_upload_policy_arn": rf"arn:aws:iam:.*:{ACCOUNT}:media-pipeline-{{stack}}-may-upload-\w+",
    "may_read_renditions_policy_arn": rf"arn:aws:iam:.*:{ACCOUNT}:.*-{{stack}}-may-read-renditions-\w+",
    "api_url": r"https://[^/]+/{stack}",
    "api_key": "the-keys-own-text",
    "review_approvals": r'{{"Explicit":2}}',
    "review_url": r"https://[^/]+/{stack}-review/",
    "review_user_pool_id": r"media-pipeline-{stack}-reviewers-\w+",
}
RELEASED = {
    "uploads_bucket", "quarantine_bucket", "renditions_bucket", "logs_bucket", "records_table", "events_topic_arn",
    "alarms_topic_arn", "images_queue_url", "images_dead_letters_url", "videos_queue_url", "videos_dead_letters_url",
    "process_image_function", "process_video_function", "dead_letters_function", "log_notification_function",
    "upload_api_function", "log_notification_dead_letters_url", "may_upload_policy_arn",
    "may_read_renditions_policy_arn", "api_url", "api_key", "review_url", "review_user_pool_id", "review_api_function",
}  # fmt: skip


def test_the_program_is_one_pipeline_and_its_provider(recorded: Recording) -> None:
    top = [
        resource.type
        for resource in recorded.resources
        if resource.parent.endswith(f"-{recorded.stack}") and "pulumi:pulumi:Stack::" in resource.parent
    ]
    assert sorted(top) == ["media-pipeline:index:MediaPipeline", "pulumi:providers:aws"]


def test_the_pipeline_is_eight_families_of_components(recorded: Recording) -> None:
    pipeline = recorded.one("media-pipeline:index:MediaPipeline")
    assert {resource.type for resource in recorded.under(pipeline.urn)} == FAMILIES


def test_the_pipelines_children_are_those_that_stacks_have_had_at_their_root(recorded: Recording) -> None:
    pipeline = recorded.one("media-pipeline:index:MediaPipeline")
    moved = {resource.urn for resource in recorded.resources if resource.was_at_the_root}
    assert moved == {resource.urn for resource in recorded.under(pipeline.urn)}


def test_every_resource_belongs_to_a_component(recorded: Recording) -> None:
    components = {resource.urn for resource in recorded.resources if not resource.custom}
    for resource in recorded.resources:
        if resource.type not in ("media-pipeline:index:MediaPipeline", "pulumi:providers:aws"):
            assert resource.parent in components, resource.urn


def test_every_resource_is_made_by_the_programs_own_provider(recorded: Recording) -> None:
    provider = recorded.one("pulumi:providers:aws")
    for resource in recorded.resources:
        if resource.custom and resource is not provider:
            assert resource.provider == f"{provider.urn}::{provider.name}-id", resource.urn


def test_every_name_starts_with_its_components_name(recorded: Recording) -> None:
    pipeline = recorded.one("media-pipeline:index:MediaPipeline")
    names = {resource.urn: resource.name for resource in recorded.resources}
    names[pipeline.urn] = f"media-pipeline-{recorded.stack}"
    for resource in recorded.resources:
        assert resource is pipeline or resource.name.startswith(
            names.get(resource.parent, names[pipeline.urn])
        )


def test_no_resource_has_a_fixed_physical_name_but_the_layer(recorded: Recording) -> None:
    fixed = {"name", "bucket", "topic", "function_name"}
    for type_ in (
        "aws:s3/bucket:Bucket",
        "aws:sqs/queue:Queue",
        "aws:sns/topic:Topic",
        "aws:iam/role:Role",
        "aws:dynamodb/table:Table",
        "aws:lambda/function:Function",
        "aws:cloudwatch/logGroup:LogGroup",
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        "aws:iam/policy:Policy",
        "aws:apigateway/restApi:RestApi",
        "aws:apigateway/apiKey:ApiKey",
        "aws:apigateway/usagePlan:UsagePlan",
    ):
        assert recorded.of(type_), type_
        for resource in recorded.of(type_):
            assert not fixed & set(resource.inputs), resource.urn


def test_inputs_have_the_engines_spelling(recorded: Recording) -> None:
    free = {"variables", "dimensions", "tags"}  # maps with keys of our own

    def check(value: object, where: str) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                assert re.fullmatch("[a-z][A-Za-z0-9]*", key), f"{where}.{key}"
                if key not in free:
                    check(inner, f"{where}.{key}")
        elif isinstance(value, list):
            for inner in value:
                check(inner, where)

    for resource in recorded.resources:
        check(dict(resource.inputs), resource.urn)


def test_every_component_registers_outputs(recorded: Recording) -> None:
    for component in (resource for resource in recorded.resources if not resource.custom):
        assert recorded.component_outputs.get(component.urn), component.urn


def test_everything_carries_the_stacks_tags(recorded: Recording) -> None:
    provider = recorded.one("pulumi:providers:aws")
    assert provider.json("defaultTags")["tags"] == {
        "Project": "media-pipeline",
        "Stack": recorded.stack,
        "ManagedBy": "pulumi",
    }
    assert provider.inputs["region"] == "eu-central-1"


OF_OTHER_OPTIONS = {"cdn_url", "cdn_distribution", "cdn_signers", "trail_bucket", "webhooks_dead_letters_url"}
"""Of options that these stacks do without; tests of delivery, webhooks and the trail are about them."""


def test_every_output_is_there_and_only_the_key_is_secret(recorded: Recording) -> None:
    assert set(recorded.outputs) == set(OUTPUTS) - OF_OTHER_OPTIONS
    assert recorded.secret_outputs == {"api_key"}
    for name, value in recorded.outputs.items():
        assert re.fullmatch(PATTERNS[name].format(stack=recorded.stack), value), name


def test_no_output_that_users_rely_on_is_taken_away() -> None:
    assert set(OUTPUTS) >= RELEASED


def test_only_prod_protects_what_bears_data(dev: Recording, prod: Recording) -> None:
    assert not [resource.urn for resource in dev.resources if resource.protect]
    protected = {
        (resource.type.split(":")[-1], resource.name) for resource in prod.resources if resource.protect
    }
    buckets = {("Bucket", f"media-pipeline-prod-{spec.name}") for spec in BUCKETS}
    assert protected == {*buckets, ("Table", "media-pipeline-prod-records")}


def test_only_dev_gives_its_data_up_on_destroy(dev: Recording, prod: Recording) -> None:
    for recorded, given_up in ((dev, True), (prod, False)):
        assert {bucket.inputs["forceDestroy"] for bucket in recorded.of("aws:s3/bucket:Bucket")} == {given_up}
        table = recorded.one("aws:dynamodb/table:Table")
        assert table.inputs["deletionProtectionEnabled"] is not given_up


def test_a_second_run_registers_exactly_the_same(run: Run, prod: Recording) -> None:
    def facts(recording: Recording) -> list[tuple[str, str]]:
        return sorted(
            (
                resource.urn,
                str({key: value for key, value in sorted(resource.inputs.items()) if key != "code"}),
            )
            for resource in recording.resources
        )

    assert facts(run("prod", WHOLE)) == facts(prod)


def test_aws_settings_of_the_stack_reach_the_provider(run: Run) -> None:
    recorded = run(
        "dev",
        {
            "aws:profile": "media",
            "aws:region": "us-east-1",
            "aws:allowedAccountIds": [ACCOUNT],
            "aws:skipMetadataApiCheck": True,
            "aws:defaultTags": {"tags": {"owner": "media-team", "Stack": "mine"}},
        },
    )
    provider = recorded.one("pulumi:providers:aws")
    assert provider.inputs["profile"] == "media"
    assert provider.inputs["region"] == "us-east-1"
    assert provider.json("allowedAccountIds") == [ACCOUNT]
    assert provider.inputs["skipMetadataApiCheck"] == "true"
    assert provider.json("defaultTags")["tags"] == {
        "Project": "media-pipeline",
        "Stack": "mine",
        "ManagedBy": "pulumi",
        "owner": "media-team",
    }


def test_a_threshold_changes_the_settings_of_what_judges_and_nothing_else(run: Run) -> None:
    before, after = run("dev"), run("dev", {"moderation": {"mode": "enforce", "block": {"Violence": 80}}})
    changed = {
        key
        for resource, other in zip(
            sorted(before.resources, key=lambda each: each.urn),
            sorted(after.resources, key=lambda each: each.urn),
            strict=True,
        )
        for key in {*resource.inputs, *other.inputs} - {"code"}
        if resource.inputs.get(key) != other.inputs.get(key)
        for key in [f"{resource.name}.{key}"]
    }
    assert changed == {
        "media-pipeline-dev-process-image.environment",
        "media-pipeline-dev-process-video.environment",
    }


@pytest.mark.parametrize("target", ["aws", "host"])
def test_packages_for_this_machine_come_with_a_warning_that_they_do_not_work_on_aws(
    run: Run, target: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MEDIA_PIPELINE_PACKAGES_FOR", target)
    run("dev")
    assert ("not on AWS" in caplog.text) is (target == "host")


def test_settings_of_another_resource_are_deleted_before_they_are_made_anew(run: Run) -> None:
    recorded = run("dev", every_option())
    wrong = {
        resource.type
        for resource in recorded.resources
        if resource.delete_before_replace != (resource.type in {*SETTINGS, MAPPING})
    }
    assert wrong == set()
    assert {resource.type for resource in recorded.resources} >= SETTINGS


def test_a_function_is_made_anew_for_what_its_layers_are_built_for(recorded: Recording) -> None:
    layers = recorded.of("aws:lambda/layerVersion:LayerVersion")
    built_for = {
        name.removeprefix("compatible").lower()
        for layer in layers
        for name in layer.inputs
        if name.startswith("compatible")
    }
    assert built_for, "layers say what they are for"
    for function in recorded.of("aws:lambda/function:Function"):
        made_anew = {name.lower().rstrip("s") + "s" for name in function.replace_on_changes}
        assert made_anew == built_for, f"{function.name} would run with the other's layers for a while"
