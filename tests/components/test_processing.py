"""Queues, functions, their permissions and their settings."""

import json

import pulumi
import pytest

from components.function_specs import FUNCTIONS, PROCESS_VIDEO
from components.packaging import StackPackages
from media_pipeline.records.answer_cache import PARTITIONS
from media_pipeline.settings.functions import ImageSettings, Settings, VideoSettings
from tests.components.conftest import Run
from tests.components.queries import (
    FUNCTION,
    LAYER,
    MAPPING,
    QUEUE,
    ROLE_POLICY,
    arn,
    environment,
    of_every_worker,
    of_media,
    permissions,
    s3,
)
from tests.components.recording import ACCOUNT, PROJECT, Recording

NO_RESOURCE_TYPE = {
    "rekognition:DetectModerationLabels",
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
}
NAMES = [spec.name for spec in FUNCTIONS]


def test_process_image_may_do_exactly_what_it_does(recorded: Recording) -> None:
    assert permissions(recorded, "process-image") == of_media(recorded, "process-image", "images") | {
        ("sqs:SendMessage", arn("sqs", recorded, "videos"))
    }


@pytest.mark.parametrize("name", ["process-image", "process-video"])
def test_only_partitions_of_answers_are_read_and_written_in_batches(recorded: Recording, name: str) -> None:
    statements = recorded.one(ROLE_POLICY, f"{name}-policy").json("policy")["Statement"]
    (batches,) = (each for each in statements if "dynamodb:BatchWriteItem" in each["Action"])
    assert set(batches["Action"]) == {"dynamodb:BatchGetItem", "dynamodb:BatchWriteItem"}
    assert batches["Condition"] == {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [f"{PARTITIONS}*"]}}


def test_dead_letters_may_do_exactly_what_it_does(recorded: Recording) -> None:
    queues = ("images-dead-letters", "videos-dead-letters")
    assert permissions(recorded, "dead-letters") == of_every_worker(recorded, "dead-letters", *queues) | {
        ("s3:ListBucketVersions", s3(recorded, "uploads")),
        ("s3:DeleteObject", f"{s3(recorded, 'renditions')}/*"),
        ("s3:ListBucket", s3(recorded, "quarantine")),
        ("s3:GetObject", f"{s3(recorded, 'quarantine')}/*"),
        ("s3:DeleteObject", f"{s3(recorded, 'quarantine')}/*"),
    }


def test_no_permission_has_a_wildcard_but_where_aws_has_no_resource_type(recorded: Recording) -> None:
    for policy in recorded.of(ROLE_POLICY):
        document = policy.json("policy")
        assert document["Version"] == "2012-10-17"
        assert len(policy.inputs["policy"]) <= 10_240  # IAM: all inline policies of a role together
        ids = [statement["Sid"] for statement in document["Statement"]]
        assert len(set(ids)) == len(ids)
        for statement in document["Statement"]:
            assert statement["Sid"].isalnum()
            assert not any("*" in action for action in statement["Action"])
            if "*" in statement["Resource"]:
                assert set(statement["Action"]) <= NO_RESOURCE_TYPE


def test_nothing_may_create_a_log_group(recorded: Recording) -> None:
    assert "CreateLogGroup" not in "".join(policy.inputs["policy"] for policy in recorded.of(ROLE_POLICY))


def test_only_lambda_takes_the_functions_roles(recorded: Recording) -> None:
    roles = [role for role in recorded.of("aws:iam/role:Role") if not role.name.endswith("-timer-role")]
    assert len(roles) == len(recorded.of(FUNCTION)) == len(FUNCTIONS)
    for role in roles:
        (statement,) = role.json("assumeRolePolicy")["Statement"]
        assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}
        assert statement["Action"] == "sts:AssumeRole"


@pytest.mark.parametrize("name", NAMES)
def test_a_function_logs_to_its_own_retained_group_and_waits_for_its_permissions(
    recorded: Recording, name: str
) -> None:
    function, policy = recorded.one(FUNCTION, name), recorded.one(ROLE_POLICY, f"{name}-policy")
    group = recorded.one("aws:cloudwatch/logGroup:LogGroup", f"{name}-log")
    assert group.inputs["retentionInDays"] == {"dev": 14, "prod": 365}[recorded.stack]
    assert function.inputs["loggingConfig"]["logGroup"] == f"{group.name}-1a2b3c4"
    assert {policy.urn, group.urn} <= set(function.depends_on)
    assert policy.inputs["role"] == f"{recorded.one('aws:iam/role:Role', f'{name}-role').name}-1a2b3c4"


@pytest.mark.parametrize(
    ("stack", "expected"),
    [("dev", (1769, 60, 5)), ("prod", (3008, 120, 2))],
)
def test_the_image_function_has_the_size_that_its_stack_configures(
    recordings: dict[str, Recording], stack: str, expected: tuple[int, int, int]
) -> None:
    recorded = recordings[stack]
    function = recorded.one(FUNCTION, "process-image").inputs
    mapping = recorded.one(MAPPING, "process-image-mapping")
    concurrency = mapping.inputs["scalingConfig"]["maximumConcurrency"]
    assert (function["memorySize"], function["timeout"], concurrency) == expected
    assert function["runtime"] == "python3.13"
    assert function["architectures"] == ["arm64"]
    assert function["tracingConfig"] == {"mode": "Active"}


def test_functions_run_the_packages_that_were_built(recorded: Recording, zips: StackPackages) -> None:
    layer = recorded.one(LAYER, "-image-layer")
    assert layer.inputs["code"].path == str(zips.image_layer.path)
    assert layer.inputs["compatibleArchitectures"] == ["arm64"]
    assert layer.inputs["skipDestroy"] is False  # functions keep what they use, and destroy leaves nothing
    for function in recorded.of(FUNCTION):
        assert isinstance(function.inputs["code"], pulumi.FileArchive)
        assert function.inputs["code"].path == str(zips.code.path)
        assert function.inputs["layers"][0] == arn("lambda", recorded, "image-layer")
        assert "sourceCodeHash" not in function.inputs


def test_every_change_of_a_function_leaves_its_old_version_to_go_back_to(recorded: Recording) -> None:
    assert all(function.inputs["publish"] for function in recorded.of(FUNCTION))


def test_every_handler_exists(recorded: Recording) -> None:
    for spec in FUNCTIONS:
        handler = recorded.one(FUNCTION, f"-{spec.name}").inputs["handler"]
        module = PROJECT.joinpath("lambda", *handler.split(".")[:-1]).with_suffix(".py")
        assert module.is_file(), f"add {module.relative_to(PROJECT)}, the handler of {spec.name}"
        assert "def handler(" in module.read_text("utf-8") or "handler =" in module.read_text("utf-8")


def test_every_handler_is_a_functions() -> None:
    modules = {path.stem for path in (PROJECT / "lambda" / "media_pipeline" / "handlers").glob("[!_]*.py")}
    assert modules == {spec.handler.split(".")[-2] for spec in FUNCTIONS}


def test_every_function_of_the_specs_is_deployed_and_no_other(recorded: Recording) -> None:
    deployed = {
        function.name.removeprefix(f"media-pipeline-{recorded.stack}-") for function in recorded.of(FUNCTION)
    }
    assert deployed == set(NAMES), "a function that polls no queue is created by a component of its own"


def test_only_videos_need_a_second_layer(recorded: Recording) -> None:
    for spec in FUNCTIONS:
        layers = recorded.one(FUNCTION, f"-{spec.name}").inputs["layers"]
        assert layers == [arn("lambda", recorded, f"{layer}-layer") for layer in spec.layers]
    assert [spec for spec in FUNCTIONS if spec.layers != ("image",)] == [PROCESS_VIDEO]


@pytest.mark.parametrize(
    ("function", "queue", "name"),
    [
        ("process-image", "images", "process-image-mapping"),
        ("process-video", "videos", "process-video-mapping"),
        ("dead-letters", "images-dead-letters", "-dead-letters-mapping"),
        ("dead-letters", "videos-dead-letters", "-dead-letters-videos-mapping"),
    ],
)
def test_each_function_is_fed_one_message_at_a_time_by_its_queue(
    recorded: Recording, function: str, queue: str, name: str
) -> None:
    mapping = recorded.one(MAPPING, name).inputs
    assert mapping["eventSourceArn"] == arn("sqs", recorded, queue)
    assert mapping["functionName"] == arn("lambda", recorded, function)
    assert mapping["batchSize"] == 1
    assert mapping["functionResponseTypes"] == ["ReportBatchItemFailures"]
    # Dead letters have no bound: AWS lets more pollers of an empty queue rest without one.
    assert ("scalingConfig" in mapping) == ("dead-letters" not in queue)


@pytest.mark.parametrize(("what", "function"), [("images", "process-image"), ("videos", "process-video")])
def test_messages_are_hidden_six_timeouts_and_kept_as_long_as_sqs_allows(
    recorded: Recording, what: str, function: str
) -> None:
    queue, dead = recorded.one(QUEUE, f"-{what}"), recorded.one(QUEUE, f"-{what}-dead-letters")
    timeout = recorded.one(FUNCTION, function).inputs["timeout"]
    assert queue.inputs["visibilityTimeoutSeconds"] == 6 * timeout
    assert (
        dead.inputs["visibilityTimeoutSeconds"]
        == 6 * recorded.one(FUNCTION, "dead-letters").inputs["timeout"]
    )
    assert queue.inputs["messageRetentionSeconds"] == dead.inputs["messageRetentionSeconds"] == 14 * 86_400
    # A resource of its own, after the permission: otherwise neither queue can be created again.
    redrive = recorded.one("aws:sqs/redrivePolicy:RedrivePolicy", f"-{what}-redrive")
    assert "redrivePolicy" not in queue.inputs
    assert redrive.json("redrivePolicy") == {
        "deadLetterTargetArn": arn("sqs", recorded, f"{what}-dead-letters"),
        "maxReceiveCount": 50,
    }
    allow = recorded.one("aws:sqs/redriveAllowPolicy:RedriveAllowPolicy", f"-{what}-dead-letters-redrive")
    assert allow.urn in redrive.depends_on
    assert allow.json("redriveAllowPolicy") == {
        "redrivePermission": "byQueue",
        "sourceQueueArns": [arn("sqs", recorded, what)],
    }
    for each in (queue, dead):
        assert each.inputs["sqsManagedSseEnabled"] is True
        assert each.inputs["maxMessageSize"] >= 65_536  # S3's events


def test_only_the_uploads_bucket_may_send_to_the_images_queue(recorded: Recording) -> None:
    images = recorded.one("aws:sqs/queuePolicy:QueuePolicy", "-images-policy").json("policy")["Statement"]
    assert images[0] == {
        "Sid": "EventsOfOneBucket",
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": ["sqs:SendMessage"],
        "Resource": [arn("sqs", recorded, "images")],
        "Condition": {
            "ArnLike": {"aws:SourceArn": [s3(recorded, "uploads")]},
            "StringEquals": {"aws:SourceAccount": ACCOUNT},
        },
    }
    others = (
        recorded.one("aws:sqs/queuePolicy:QueuePolicy", f"-{name}-policy").json("policy")["Statement"]
        for name in (
            "images-dead-letters",
            "videos",
            "videos-dead-letters",
        )  # roles send there, by permission
    )
    for statements in (images[1:], *others):
        (statement,) = statements
        assert (statement["Effect"], statement["Action"]) == ("Deny", "sqs:*")
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_uploads_deletes_and_delete_markers_are_events_but_not_expiry(recorded: Recording) -> None:
    notification = recorded.one("aws:s3/bucketNotification:BucketNotification")
    assert notification.inputs["bucket"] == f"media-pipeline-{recorded.stack}-uploads-1a2b3c4"
    (target,) = notification.inputs["queues"]
    assert target["queueArn"] == arn("sqs", recorded, "images")
    assert target["events"] == [
        "s3:ObjectCreated:*",
        "s3:ObjectRemoved:Delete",
        "s3:ObjectRemoved:DeleteMarkerCreated",
    ]
    assert recorded.one("aws:sqs/queuePolicy:QueuePolicy", "-images-policy").urn in notification.depends_on
    versioning = recorded.one("aws:s3/bucketVersioning:BucketVersioning", "-uploads-versioning")
    assert versioning.urn in notification.depends_on, "an event from before it would have no version"


def test_the_image_functions_environment_parses_as_its_settings(recorded: Recording) -> None:
    settings = ImageSettings.from_environment(environment(recorded, "process-image"))
    assert settings.stack == recorded.stack
    for name, bucket in settings.buckets._asdict().items():
        assert bucket == recorded.outputs[f"{name}_bucket"]
    assert settings.records_table == recorded.outputs["records_table"]
    assert settings.events_topic_arn == recorded.outputs["events_topic_arn"]
    assert settings.queue_url == recorded.outputs["images_queue_url"]
    assert settings.records_retention_days == {"dev": 30, "prod": 0}[recorded.stack]
    assert settings.tracing is True
    assert settings.policy.block["Hate Symbols"] == {"dev": 60, "prod": 50}[recorded.stack]
    assert settings.policy.exempt == ("Alcohol",)
    assert settings.policy.min_confidence == {"dev": 30, "prod": 20}[recorded.stack]
    names = {size.name: size for size in settings.specs.sizes}
    assert names["thumbnail"].width == {"dev": 150, "prod": 200}[recorded.stack]
    assert settings.specs.formats == ("jpeg", "webp")
    assert settings.limits.pixels == {"dev": 50_000_000, "prod": 80_000_000}[recorded.stack]
    if recorded.stack == "prod":
        card = names["card"]
        assert (card.width, card.height, card.fit) == (400, 300, "cover")


def test_the_video_functions_environment_parses_as_its_settings(recorded: Recording) -> None:
    variables = environment(recorded, "process-video")
    settings = VideoSettings.from_environment(variables)
    video, limits = json.loads(variables["VIDEO"]), json.loads(variables["LIMITS"])
    assert (settings.height, settings.moderation_frames) == (video["height"], video["moderationFrames"])
    assert (settings.video_bytes, settings.video_seconds) == (limits["videoBytes"], limits["videoSeconds"])
    assert settings.queue_url == recorded.outputs["videos_queue_url"]
    assert settings.videos_queue_url is None, "it hands nothing on"


def test_dead_letters_environment_parses_as_settings_and_holds_no_more(recorded: Recording) -> None:
    variables = environment(recorded, "-dead-letters")
    settings = Settings.from_environment(variables)
    assert settings.queue_url == recorded.outputs["images_dead_letters_url"]
    assert settings.uploads_prefix == "api/"
    assert variables["VIDEOS_DEAD_LETTERS_URL"] == recorded.outputs["videos_dead_letters_url"]
    images = environment(recorded, "process-image")
    only_images = {
        "SIZES", "FORMATS", "QUALITY", "GRAYSCALE", "TRANSPARENCY", "BACKGROUND", "MODERATION", "LIMITS",
        "MODERATION_CACHE_DAYS",
        "REVIEW_APPROVALS",
        "VIDEOS_QUEUE_URL",
    }  # fmt: skip
    assert set(images) - set(variables) == only_images
    assert set(variables) - set(images) == {"VIDEOS_DEAD_LETTERS_URL"}


def test_every_key_reaches_the_function_as_it_was_configured(run: Run) -> None:
    recorded = run(
        "dev",
        {
            "sizes": {"thumbnail": 150.0, "card": {"fit": "cover", "width": 400, "height": 300}},
            "formats": ["png", "avif"],
            "quality": {"avif": 55.0},
            "grayscale": "true",
            "transparency": "keep",
            "background": "#00Ff7f",
            "tracing": "false",
            "moderation": {"mode": "observe", "block": {"weapons": 90.5}},
            "limits": {"bytes": 1000, "pixels": 2000, "frames": 3, "videoBytes": 4000, "videoSeconds": 5},
            "retention": {"originals": 14, "quarantine": 1, "records": 30, "logs": 1},
            "architecture": "x86_64",
            "runtime": "python3.14",
        },
    )
    variables = environment(recorded, "process-image")
    assert variables["SIZES"] == '{"card":{"fit":"cover","height":300,"width":400},"thumbnail":150}'
    assert variables["FORMATS"] == '["png","avif"]'
    assert variables["QUALITY"] == '{"avif":55}'
    assert variables["GRAYSCALE"] == "true"
    assert (variables["TRANSPARENCY"], variables["BACKGROUND"]) == ("keep", "#00Ff7f")
    policy = json.loads(variables["MODERATION"])
    assert (policy["mode"], policy["block"], policy["review"]) == ("observe", {"Weapons": 90.5}, {})
    assert variables["LIMITS"] == '{"bytes":1000,"frames":3,"pixels":2000}'
    assert variables["RECORDS_RETENTION_DAYS"] == "30"
    assert (variables["TRACING"], variables["POWERTOOLS_TRACE_DISABLED"]) == ("false", "true")
    assert variables["POWERTOOLS_SERVICE_NAME"] == "media-pipeline-dev"
    assert variables["POWERTOOLS_METRICS_NAMESPACE"] == "MediaPipeline"
    assert variables["POWERTOOLS_LOG_LEVEL"] == "INFO"
    ImageSettings.from_environment(variables)
    function = recorded.one(FUNCTION, "process-image").inputs
    assert (function["runtime"], function["architectures"]) == ("python3.14", ["x86_64"])
    assert function["tracingConfig"] == {"mode": "PassThrough"}
    assert not {action for action, _ in permissions(recorded, "process-image") if action.startswith("xray:")}


def test_a_functions_alarms_and_parts_belong_to_it(recorded: Recording) -> None:
    for component in recorded.of("media-pipeline:index:PythonFunction"):
        kinds = sorted(child.type.split(":")[-1] for child in recorded.under(component.urn))
        alarms = [] if component.name.endswith("-review-api") else ["MetricAlarm", "MetricAlarm"]
        assert kinds == ["Function", "LogGroup", *alarms, "Role", "RolePolicy"]
    assert len(recorded.of("media-pipeline:index:PythonFunction")) == len(FUNCTIONS)


def test_the_functions_code_and_the_program_do_not_import_each_other() -> None:
    def imports(package: str, foreign: str) -> list[str]:
        folder = PROJECT / package
        return [
            str(file)
            for file in folder.rglob("*.py")
            if f"import {foreign}" in file.read_text("utf-8") or f"from {foreign}" in file.read_text("utf-8")
        ]

    assert imports("components", "media_pipeline") == []
    assert imports("lambda/media_pipeline", "components") == []


def test_approvals_reach_the_workers_and_the_outputs_only_where_they_are_configured(run: Run) -> None:
    approvals = '{"Explicit":2,"default":1}'
    recorded = run("dev", {"review": {"approvals": {"default": 1, "explicit": 2}}})
    for function in ("process-image", "process-video"):
        assert environment(recorded, function)["REVIEW_APPROVALS"] == approvals
    assert recorded.outputs["review_approvals"] == approvals
    plain = run("dev", {})
    assert "REVIEW_APPROVALS" not in environment(plain, "process-image")
    assert "review_approvals" not in plain.outputs


def test_what_likeness_means_reaches_the_workers_only_where_it_is_configured(run: Run) -> None:
    recorded = run("dev", {"lists": {"like": "block"}})
    for function in ("process-image", "process-video"):
        assert environment(recorded, function)["LISTS_LIKE"] == "block"
    assert "LISTS_LIKE" not in environment(run("dev"), "process-image")


def test_renditions_say_what_made_them_only_where_that_is_configured(run: Run) -> None:
    recorded = run("dev", {"provenance": {"keep": True}})
    for function in ("process-image", "process-video"):
        variables = environment(recorded, function)
        assert variables["PROVENANCE_KEEP"] == "true"
    assert "PROVENANCE_KEEP" not in environment(run("dev"), "process-image")


def test_a_mapping_is_deleted_before_its_replacement_since_lambda_takes_one_for_a_queue_and_a_function(
    recorded: Recording,
) -> None:
    mappings = [resource for resource in recorded.resources if resource.type == MAPPING]
    assert mappings
    assert all(mapping.delete_before_replace for mapping in mappings)
