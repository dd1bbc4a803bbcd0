"""What functions leave behind: log lines, trace segments, and no process."""

import json
import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from embedded_aws.runtime import memory
from embedded_aws.runtime.functions import Functions, RuntimeClosedError
from embedded_aws.runtime.process import Death
from embedded_aws.world import WorldError
from tests.embedded_aws.runtime.conftest import Stack

ECHO = "def handler(event, context): return event"
linux_only = pytest.mark.skipif(
    not memory.SUPPORTED, reason="only Linux tells how much memory a process takes"
)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_log_file_holds_exactly_what_was_printed(stack: Stack, functions: Functions, tmp_path: Path) -> None:
    name = stack.function(
        """
        import logging, sys
        def handler(event, context):
            print('{"object_key": "a", "status": "PUBLISHED"}')
            print("to stderr", file=sys.stderr)
            sys.stdout.write("no line end" if event else "")
        """,
        module="process_image",
    )
    assert functions.invoke(name, True).log.count("\n") == 3
    functions.invoke(name, False)
    two = '{"object_key": "a", "status": "PUBLISHED"}\nto stderr\n'
    assert (tmp_path / "logs" / "process_image.log").read_text() == f"{two}no line end\n{two}"


def test_standard_logging_looks_as_on_lambda(stack: Stack, functions: Functions) -> None:
    name = stack.function(
        "import logging\ndef handler(event, context): logging.getLogger('x').warning('careful')"
    )
    invocation = functions.invoke(name, {})
    level, when, request_id, message = invocation.log.rstrip().split("\t")
    assert (level, request_id, message) == ("[WARNING]", invocation.request_id, "careful")
    assert when.endswith("Z")


def test_lines_reach_cloudwatch_logs_as_far_as_the_role_may(
    stack: Stack, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    name = stack.function("def handler(event, context): print('one'); print('two')")
    with Functions(stack.world, cache=cache) as functions:
        functions.invoke(name, {})
    logs = stack.world.client("logs")
    events = logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    assert [event["message"] for event in events] == ["one", "two"]
    assert caplog.messages == []


def test_lines_go_to_the_log_group_that_the_function_names(stack: Stack, cache: Path) -> None:
    stack.world.client("logs").create_log_group(logGroupName="elsewhere")
    name = stack.function(
        "def handler(event, context): print(context.log_group_name)", LoggingConfig={"LogGroup": "elsewhere"}
    )
    with Functions(stack.world, cache=cache) as functions:
        functions.invoke(name, {})
    (event,) = stack.world.client("logs").filter_log_events(logGroupName="elsewhere")["events"]
    assert event["message"] == "elsewhere"


def test_tracing_switched_on_later_is_seen(
    stack: Stack, functions: Functions, wait_until: Callable[..., None]
) -> None:
    name = stack.function("import os\ndef handler(event, context): return os.environ['_X_AMZN_TRACE_ID'][-1]")
    stack.world.client("lambda").update_function_configuration(
        FunctionName=name, TracingConfig={"Mode": "Active"}, LoggingConfig={"LogFormat": "JSON"}
    )
    wait_until(lambda: functions.invoke(name, {}).payload == "1")


def test_function_acts_under_its_own_role(stack: Stack, functions: Functions) -> None:
    name = stack.function(
        """
        import boto3
        def handler(event, context): return boto3.client("sts").get_caller_identity()["Arn"]
        """
    )
    role = (
        stack.world.client("lambda").get_function_configuration(FunctionName=name)["Role"].rsplit("/", 1)[-1]
    )
    assert functions.invoke(name, {}).payload.endswith(f":assumed-role/{role}/{name}")


def test_role_that_lambda_may_not_assume_stops_the_function(stack: Stack, functions: Functions) -> None:
    name = stack.function(ECHO)
    arn = stack.world.client("lambda").get_function_configuration(FunctionName=name)["Role"]
    others = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    stack.world.client("iam").update_assume_role_policy(
        RoleName=arn.rsplit("/", 1)[-1],
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [others]}),
    )
    with pytest.raises(WorldError, match="cannot be assumed by Lambda"):
        functions.invoke(name, {})


def test_unknown_function_is_named(functions: Functions) -> None:
    with pytest.raises(WorldError, match="no function nobody"):
        functions.invoke("nobody", {})


def test_close_ends_running_and_idle_functions_at_once(
    stack: Stack, cache: Path, wait_until: Callable[..., None]
) -> None:
    name = stack.function("import time\ndef handler(event, context): time.sleep(event)")
    functions = Functions(stack.world, cache=cache)
    functions.warm(name)
    results: list[Any] = []
    runs = [threading.Thread(target=lambda: results.append(functions.invoke(name, 30))) for _ in range(2)]
    for run in runs:
        run.start()
    wait_until(lambda: sum(e.request_id is not None for e in functions.environments()) == 2)
    pids = [environment.pid for environment in functions.environments()]
    begun = time.monotonic()
    functions.close()
    assert time.monotonic() - begun < 2
    assert not any(alive(pid) for pid in pids)
    for run in runs:
        run.join(5)
    assert [result.death for result in results] == [Death.STOPPED] * 2
    with pytest.raises(RuntimeClosedError):
        functions.invoke(name, 0)
    functions.close()


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_no_process_outlives_an_embedded_aws_that_is_killed(
    tmp_path: Path, wait_until: Callable[..., None]
) -> None:
    """End even in the middle of an event, and even if nothing gets to clean up."""
    app = tmp_path / "app.py"
    app.write_text("import time\ndef handler(event, context): time.sleep(60)")
    parent = textwrap.dedent(
        f"""
        import os, sys
        from embedded_aws.runtime.process import ExecutionEnvironment, Launch
        launch = Launch(handler="app.handler", path=[{str(tmp_path)!r}], sdk={{}}, variables={{
            f"AWS_LAMBDA_{{name}}": "1" for name in ("FUNCTION_NAME", "FUNCTION_VERSION", "FUNCTION_MEMORY_SIZE",
                                                     "LOG_GROUP_NAME", "LOG_STREAM_NAME")}})
        process = ExecutionEnvironment(launch, lambda lines: None)
        assert process.wait_ready(10)[0] == {{}}
        print(process.pid, flush=True)
        process.invoke({{"request_id": "1", "function_arn": "a", "deadline": 0, "trace": "", "event": 0}}, 60)
        """
    )
    with subprocess.Popen(
        [sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]
    ) as running:
        assert running.stdout is not None
        child = int(running.stdout.readline())
        assert alive(child)
        assert os.getsid(child) != os.getsid(0), "a terminal's Ctrl-C must not reach it"
        running.kill()
    wait_until(lambda: not alive(child))


def test_trace_segments_reach_the_listener(
    stack: Stack, functions: Functions, wait_until: Callable[..., None]
) -> None:
    name = stack.function(
        """
        import os, socket
        def handler(event, context):
            host, port = os.environ["AWS_XRAY_DAEMON_ADDRESS"].split(":")
            lines = b'{"format": "json", "version": 1}\\n{"name": "render"}'
            for datagram in (b"garbage", lines):
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(datagram, (host, int(port)))
            return os.environ["_X_AMZN_TRACE_ID"]
        """,
        TracingConfig={"Mode": "Active"},
    )
    first, second = functions.invoke(name, {}).payload, functions.invoke(name, {}).payload
    assert first.endswith("Sampled=1")
    assert first != second
    wait_until(lambda: functions.traces.count == 2)
    assert functions.traces.segments() == [{"name": "render"}] * 2


def test_untraced_function_is_not_sampled(stack: Stack, functions: Functions) -> None:
    name = stack.function("import os\ndef handler(event, context): return os.environ['_X_AMZN_TRACE_ID']")
    assert functions.invoke(name, {}).payload.endswith("Sampled=0")


def test_function_may_only_what_its_role_allows(stack: Stack, functions: Functions) -> None:
    source = """
        import boto3
        def handler(event, context): return boto3.client("s3").list_buckets()["Buckets"]
        """
    denied = functions.invoke(stack.function(source), {})
    assert denied.error is not None
    assert "AccessDenied" in denied.error.message
    allowed = functions.invoke(stack.function(source, actions=("s3:ListAllMyBuckets",)), {})
    assert allowed.error is None


def test_lines_that_the_role_may_not_log_are_lost_with_one_warning(
    stack: Stack, cache: Path, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    name = stack.function("def handler(event, context): print('unheard')", actions=("sqs:*",))
    with Functions(stack.world, log_folder=tmp_path, cache=cache) as functions:
        functions.invoke(name, {})
    assert [name in message for message in caplog.messages] == [True]
    assert stack.world.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"] == []
    assert (tmp_path / "app.log").read_text() == "unheard\n"
