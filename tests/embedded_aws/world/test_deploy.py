"""Small programs through the deployer: strict inputs, the provider's behaviour, one message for a failure."""

import json
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws.deployment.deploy import DeployError, Deployment, ProtectedError, deploy
from embedded_aws.deployment.project import Project, ProjectError
from embedded_aws.resources import HANDLERS
from embedded_aws.world import World

from .samples import tiny_zip

FUNCTION = """
import json
config = pulumi.Config()
trust = {{"Version": "2012-10-17", "Statement": [
    {{"Effect": "Allow", "Principal": {{"Service": "lambda.amazonaws.com"}}, "Action": "sts:AssumeRole"}}]}}
role = aws.iam.Role("worker", assume_role_policy=json.dumps(trust))
function = aws.lambda_.Function(
    "worker", role=role.arn, handler="m.handler", runtime="python3.13", timeout=30,
    memory_size=config.require_int("memory"), code=pulumi.FileArchive({code!r}),
    environment=aws.lambda_.FunctionEnvironmentArgs(variables={{"SIZES": json.dumps(config.require_object("sizes"))}}),
)
pulumi.export("function", function.name)
pulumi.export("secret", pulumi.Output.secret("hidden"))
"""
FUNCTION_CONFIG = {"memory": 512, "sizes": {"large": 2048, "small": 512}}

STORAGE = """
tags = aws.ProviderDefaultTagsArgs(tags={"stack": "dev", "owner": "nobody"})
provider = aws.Provider("here", region="eu-central-1", default_tags=tags)
options = pulumi.ResourceOptions(provider=provider)
class Storage(pulumi.ComponentResource):
    def __init__(self):
        super().__init__("tiny:index:Storage", "storage", {}, options)
        child = pulumi.ResourceOptions(parent=self)
        self.bucket = aws.s3.Bucket("Uploads", force_destroy=FORCE, tags={"owner": "us"}, opts=child)
        aws.s3.BucketVersioning("versions", bucket=self.bucket.bucket, opts=child,
            versioning_configuration=aws.s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"))
        self.register_outputs({})
pulumi.export("bucket", Storage().bucket.bucket)
pulumi.export("account", aws.get_caller_identity(opts=pulumi.InvokeOptions(provider=provider)).account_id)
"""


@pytest.fixture
def code(tmp_path: Path) -> Path:
    path = tmp_path / "code.zip"
    path.write_bytes(tiny_zip())
    return path


@pytest.fixture
def with_function(world: World, write_project: Any, code: Path) -> Deployment:
    return deploy(write_project(FUNCTION.format(code=str(code)), **FUNCTION_CONFIG), world)


def created(deployment: Deployment, type_: str) -> list[Any]:
    return [resource for resource in deployment.resources if resource.type == type_]


def test_a_program_becomes_real_things(world: World, with_function: Deployment) -> None:
    shown = world.client("lambda").get_function_configuration(FunctionName=with_function.outputs["function"])
    assert shown["MemorySize"] == 512
    assert json.loads(shown["Environment"]["Variables"]["SIZES"]) == {"large": 2048, "small": 512}
    assert with_function.outputs["secret"] == "hidden"


def test_updating_the_configuration_changes_only_the_environment(
    world: World, with_function: Deployment
) -> None:
    before = {resource.urn: resource.id for resource in with_function.resources}
    changed = with_function.update({"sizes": {"large": 1024, "small": 512}})
    (function,) = created(with_function, "aws:lambda/function:Function")
    assert changed == {function.urn: frozenset({"environment"})}
    assert {resource.urn: resource.id for resource in with_function.resources} == before
    shown = world.client("lambda").get_function_configuration(FunctionName=function.id)
    assert json.loads(shown["Environment"]["Variables"]["SIZES"]) == {"large": 1024, "small": 512}
    assert shown["MemorySize"] == 512


def test_running_again_with_nothing_changed_changes_nothing(with_function: Deployment) -> None:
    assert with_function.update({}) == {}


def test_destroy_leaves_nothing_and_lists_what_others_created(
    world: World, with_function: Deployment
) -> None:
    world.client("sqs").create_queue(QueueName="stranger")
    removed: list[str] = []
    left = with_function.destroy(lambda resource: removed.append(resource.type))
    assert left == [f"arn:aws:sqs:{world.region}:{world.account_id}:stranger"]
    assert removed[-1] == "aws:iam/role:Role", "in reverse: the role goes after the function that needs it"


def test_names_and_tags_are_made_as_the_provider_makes_them(world: World, write_project: Any) -> None:
    deployment = deploy(write_project(STORAGE.replace("FORCE", "True")), world)
    name = deployment.outputs["bucket"]
    assert name.startswith("uploads-")
    assert len(name) == len("uploads-") + 7
    tags = world.client("s3").get_bucket_tagging(Bucket=name)["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"stack": "dev", "owner": "us"}
    assert deployment.outputs["account"] == world.account_id
    (bucket,) = created(deployment, "aws:s3/bucket:Bucket")
    assert bucket.parent.endswith("tiny:index:Storage::storage")


def test_the_same_stack_gets_the_same_names_in_the_next_world(write_project: Any) -> None:
    project = write_project(STORAGE.replace("FORCE", "True"))
    names = []
    for _ in range(2):
        with World() as world:
            names.append(deploy(project, world).outputs["bucket"])
    assert names[0] == names[1]


def test_a_bucket_with_objects_resists_unless_it_may_be_emptied(write_project: Any) -> None:
    for force, resists in (("False", True), ("True", False)):
        with World() as world:
            deployment = deploy(write_project(STORAGE.replace("FORCE", force)), world)
            s3, bucket = world.client("s3"), deployment.outputs["bucket"]
            for body in (b"1", b"2"):
                s3.put_object(Bucket=bucket, Key="k", Body=body)
            s3.delete_object(Bucket=bucket, Key="k")
            if resists:
                with pytest.raises(DeployError, match="BucketNotEmpty"):
                    deployment.destroy()
                assert created(deployment, "aws:s3/bucket:Bucket"), "still there, and still known"
            else:
                assert deployment.destroy() == []


def test_protected_resources_stop_destroy_before_anything_is_deleted(
    world: World, write_project: Any
) -> None:
    program = """
aws.sqs.Queue("first")
aws.sqs.Queue("precious", opts=pulumi.ResourceOptions(protect=True))
"""
    deployment = deploy(write_project(program), world)
    with pytest.raises(ProtectedError, match="pulumi state unprotect") as refused:
        deployment.destroy()
    assert "precious" in str(refused.value)
    assert len(world.client("sqs").list_queues()["QueueUrls"]) == 2
    assert deployment.unprotect() == 1
    assert deployment.destroy() == []


def test_retained_resources_are_not_leftovers(world: World, write_project: Any, code: Path) -> None:
    program = f"""
aws.lambda_.LayerVersion("kept", layer_name="kept", code=pulumi.FileArchive({str(code)!r}), skip_destroy=True)
aws.sns.Topic("retained", opts=pulumi.ResourceOptions(retain_on_delete=True))
"""
    deployment = deploy(write_project(program), world)
    assert deployment.destroy() == []
    assert world.client("lambda").list_layers()["Layers"]
    assert world.client("sns").list_topics()["Topics"]


def test_what_was_left_behind_keeps_its_name_and_its_successor_gets_another(
    world: World, write_project: Any
) -> None:
    project = write_project('aws.s3.Bucket("log", opts=pulumi.ResourceOptions(retain_on_delete=True))')
    for _ in range(2):
        deploy(project, world).destroy()
    assert len(world.client("s3").list_buckets()["Buckets"]) == 2


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (
            'aws.s3.BucketNotification("n", bucket="b", queues=[{"queueArn": "q", "events": [], "filter_prefx": "a"}])',
            r"aws:s3/bucketNotification:BucketNotification 'n': unknown input 'queues\[0\]\.filter_prefx'",
        ),
        (
            'aws.s3.BucketLifecycleConfiguration("n", bucket="b", rules=[{"id": "r", "status": "Enabled",'
            ' "expiration": {"dayz": 1}}])',
            r"unknown input 'rules\[0\]\.expiration\.dayz' \(did you mean 'days'\?\)",
        ),
        (
            'aws.sqs.Queue("n", visibility_timeout_seconds="soon")',
            "'visibilityTimeoutSeconds' must be an integer",
        ),
        ('aws.sqs.Queue("n", fifo_queue=True)', "'fifoQueue' is not carried out by the embedded AWS"),
        ('aws.kms.Alias("n", target_key_id="k")', "does not know the resource type aws:kms/alias:Alias"),
        (f'aws.sqs.Queue("{"n" * 80}")', "AWS allows 80: shorten"),
        ('aws.cloudwatch.LogGroup("n", retention_in_days=31)', "LogGroup 'n': .*retentionInDays"),
        (
            'aws.lambda_.LayerVersion("n", layer_name="l", code=pulumi.FileArchive("missing.zip"))',
            r"missing\.zip does not exist",
        ),
        (
            't = aws.sns.Topic("t")\nfor n in "ab":\n'
            '    aws.sns.TopicSubscription(n, topic=t.arn, protocol="email", endpoint="a@example.com")',
            "manages the same thing",
        ),
        ('aws.sqs.Queue("n")\naws.sqs.Queue("n")', "Duplicate resource URN"),
        ("aws.get_availability_zones()", "does not know the function"),
        ('aws.Provider("p", region="us-east-1")', "the world is in eu-central-1"),
        ('aws.Provider("p", endpoints=[aws.ProviderEndpointArgs(s3="http://x")])', "endpoints"),
        ('raise pulumi.RunError("one clear\\nmessage")', "^one clear\nmessage$"),
        ('pulumi.Output.from_input(1).apply(lambda _: {}["x"])', r"KeyError: 'x' \(__main__\.py:3\)"),
        ("import sys; sys.exit('stopped')", "^stopped$"),
    ],
)
def test_a_wrong_program_stops_with_one_readable_message(
    world: World, write_project: Any, program: str, message: str
) -> None:
    with pytest.raises(DeployError, match=message) as stopped:
        deploy(write_project(program), world)
    assert "Traceback" not in str(stopped.value)
    assert "max retries" not in str(stopped.value)


def test_what_was_made_before_a_failure_can_be_removed(world: World, write_project: Any) -> None:
    program = (
        'q = aws.sqs.Queue("made")\nq.url.apply(lambda _: aws.cloudwatch.LogGroup("g", retention_in_days=31))'
    )
    deployment = Deployment(write_project(program), world)
    with pytest.raises(DeployError):
        deployment.up()
    assert [resource.name for resource in deployment.resources] == ["made", "g"], "the log group is half-made"
    assert deployment.destroy() == []


def test_a_configuration_that_cannot_be_resolved_stops_the_deployment(world: World) -> None:
    def refusing(_overrides: object) -> Project:
        raise ProjectError("Stack 'dev' is missing configuration value 'memory'")

    with pytest.raises(DeployError, match="missing configuration value 'memory'"):
        deploy(refusing, world)


def test_a_stack_of_another_region_is_not_deployed(write_project: Any) -> None:
    with World(region="eu-west-1") as elsewhere, pytest.raises(DeployError, match=r"region=project\.region"):
        deploy(write_project(""), elsewhere)


def test_each_run_loads_the_program_afresh_and_leaves_nothing_behind(
    world: World, write_project: Any, tmp_path: Path
) -> None:
    project = write_project("import helper\nhelper.runs.append(1)\npulumi.export('runs', len(helper.runs))")
    (tmp_path / "helper.py").write_text("runs = []\n")
    modules, cwd, path = set(sys.modules), Path.cwd(), list(sys.path)
    for _ in range(2):
        assert deploy(project, world).outputs == {"runs": 1}
    assert "helper" not in set(sys.modules) - modules
    assert (Path.cwd(), sys.path) == (cwd, path)


def test_every_handler_names_the_type_and_inputs_of_the_sdk() -> None:
    for type_, handler in HANDLERS.items():
        schema = handler.schema()
        assert schema.token == type_
        tops = {path.split(".")[0] for path in handler.carries}
        unknown = (tops | handler.replaces | set(handler.defaults)) - set(schema.inputs)
        assert not unknown, f"{type_}: {unknown}"


def test_reading_finds_nothing_where_the_resource_is_gone(world: World, with_function: Deployment) -> None:
    gone = with_function.resources
    with_function.destroy()
    for resource in gone:
        if resource.is_custom:
            handler = HANDLERS[resource.type](world)
            assert handler.read(resource.id) is None
            handler.delete(resource.id, resource.outputs)  # deleting twice is no error


@pytest.mark.parametrize(
    "program",
    [
        """
import time
for n in range(500):
    aws.sqs.Queue(f"q{n}")
    print("made", n, flush=True)
time.sleep(30)
""",
        # As the SDK does while it notes where a resource is declared.
        """
import time
try:
    print("made", flush=True)
    time.sleep(30)
except BaseException:
    pass
time.sleep(30)
""",
    ],
    ids=["between resources", "where it is dropped"],
)
def test_an_interrupted_deployment_ends_at_once_without_a_process_or_thread_left(
    write_project: Any, program: str
) -> None:
    folder = write_project(program)({}).folder
    script = f"""
    import signal
    import sys
    from pathlib import Path
    from embedded_aws.deployment.deploy import deploy
    from embedded_aws.deployment.project import Project
    from embedded_aws.world import World
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests run in the background
    try:
        with World() as world:
            deploy(lambda _: Project(folder=Path({str(folder)!r}), name="tiny", stack="dev", config={{}}), world)
    except KeyboardInterrupt:
        sys.exit(3)
    """
    checkout = Path(__file__).parents[3]
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(checkout)},
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("made")
    started = time.monotonic()
    process.send_signal(2)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 3, errors
    assert "Traceback" not in errors
    assert time.monotonic() - started < 5


def test_an_interrupt_that_is_repeated_does_not_disturb_what_follows_the_program(tmp_path: Path) -> None:
    script = f"""
    import runpy
    import signal
    import threading
    import time
    from embedded_aws.deployment.program import _repeated_interrupts
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with _repeated_interrupts():
        try:
            runpy.run_path({str(tmp_path / "program.py")!r})
        except KeyboardInterrupt:
            print("ended", flush=True)
        time.sleep(0.5)  # five repetitions
    print("cleaned up")
    """
    (tmp_path / "program.py").write_text("import signal\nsignal.raise_signal(signal.SIGINT)\n")
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert run.stdout.splitlines() == ["ended", "cleaned up"]


def test_the_message_of_the_world_is_awss_own(world: World) -> None:
    with pytest.raises(ClientError) as refused:
        world.client("s3").get_object(Bucket="no-such-bucket-here", Key="k")
    assert refused.value.response["Error"]["Code"] == "NoSuchBucket"
