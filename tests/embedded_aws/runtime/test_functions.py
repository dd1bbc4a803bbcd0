"""Functions run from their deployed zips as on Lambda: isolated, under their role, within time and memory."""

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from embedded_aws.runtime import memory
from embedded_aws.runtime.functions import Functions
from embedded_aws.runtime.process import Death
from embedded_aws.runtime.timescale import TimeScale
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


def test_event_goes_in_and_answer_comes_out(stack: Stack, functions: Functions) -> None:
    event = {"text": "ä 👽 \u2028", "list": [1, 2.5, None], "large": "x" * 300_000}
    invocation = functions.invoke(stack.function(ECHO), event)
    assert invocation.payload == event
    assert invocation.error is None
    assert not invocation.killed


def test_environment_is_warm_the_second_time(stack: Stack, functions: Functions) -> None:
    name = stack.function(
        """
        import os
        count = 0
        def handler(event, context):
            global count
            count += 1
            return [count, os.getpid()]
        """
    )
    first, second = functions.invoke(name, {}), functions.invoke(name, {})
    assert first.init_milliseconds is not None
    assert second.init_milliseconds is None
    assert [first.payload[0], second.payload[0]] == [1, 2]
    assert first.payload[1] == second.payload[1]


def test_environment_started_ahead_takes_the_first_event(stack: Stack, functions: Functions) -> None:
    name = stack.function(ECHO)
    functions.warm(name)
    assert functions.invoke(name, 1).init_milliseconds is None


def test_concurrent_events_run_in_processes_of_their_own(stack: Stack, functions: Functions) -> None:
    name = stack.function("import os, time\ndef handler(event, context): time.sleep(0.3); return os.getpid()")
    pids: list[int] = []
    threads = [
        threading.Thread(target=lambda: pids.append(functions.invoke(name, {}).payload)) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(pids)) == 3


def test_changed_configuration_gets_a_new_environment(
    stack: Stack, functions: Functions, wait_until: Callable[..., None]
) -> None:
    name = stack.function(
        "import os\ndef handler(event, context): return os.environ['MODE']",
        Environment={"Variables": {"MODE": "old"}},
    )
    assert functions.invoke(name, {}).payload == "old"
    stack.world.client("lambda").update_function_configuration(
        FunctionName=name, Environment={"Variables": {"MODE": "new"}}
    )
    wait_until(lambda: functions.invoke(name, {}).payload == "new")
    assert len(functions.environments()) == 1


def test_environment_variables_are_the_functions_and_lambdas_own_only(
    stack: Stack, functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEAKED", "from the machine")
    monkeypatch.setenv("PYTHONPATH", "/leaked")
    name = stack.function(
        "import os\ndef handler(event, context): return dict(os.environ)",
        Environment={"Variables": {"STACK": "dev"}},
        MemorySize=256,
    )
    found = functions.invoke(name, {}).payload
    assert found["STACK"] == "dev"
    assert found["AWS_LAMBDA_FUNCTION_NAME"] == name
    assert found["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256"
    assert found["AWS_REGION"] == "eu-central-1"
    assert found["AWS_ENDPOINT_URL"] == stack.world.endpoint_url
    assert found["AWS_SESSION_TOKEN"]
    assert found["_HANDLER"] == "app.handler"
    assert found["_X_AMZN_TRACE_ID"].startswith("Root=1-")
    known = {
        "STACK",
        "PATH",
        "LANG",
        "TZ",
        "TMP",
        "TEMP",
        "TMPDIR",
        "LAMBDA_TASK_ROOT",
        "NO_PROXY",
        "no_proxy",
    }
    machine = {"LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "LC_CTYPE"}
    assert {key for key in found if not key.startswith(("AWS_", "_"))} - machine == known


def test_only_code_layers_and_the_runtimes_sdk_can_be_imported(stack: Stack, functions: Functions) -> None:
    name = stack.function(
        """
        import importlib.util
        import boto3, botocore, s3transfer, urllib3, dateutil.parser, six.moves, jmespath
        def handler(event, context):
            return {name: importlib.util.find_spec(name) is not None for name in event}
        """,
        layer={"python/from_the_layer.py": "", "python/six.py": "moves = None"},
    )
    invocation = functions.invoke(name, [])
    assert invocation.error is not None, "the layer's own six comes before the runtime's"
    name = stack.function(
        """
        import importlib.util
        import boto3, botocore, s3transfer, urllib3, dateutil.parser, six.moves, jmespath
        def handler(event, context):
            return {name: importlib.util.find_spec(name) is not None for name in event}
        """,
        layer={"python/from_the_layer.py": ""},
    )
    names = [
        "app",
        "from_the_layer",
        "boto3",
        "PIL",
        "pytest",
        "moto",
        "pip",
        "pydantic",
        "local",
        "components",
    ]
    found = functions.invoke(name, names).payload
    assert [key for key, there in found.items() if there] == ["app", "from_the_layer", "boto3"]


def test_context_is_as_lambdas(stack: Stack, functions: Functions) -> None:
    name = stack.function(
        """
        def handler(event, context):
            left = context.get_remaining_time_in_millis()
            assert isinstance(left, int) and context.identity is None and context.client_context is None
            return [context.aws_request_id, context.invoked_function_arn, context.function_name,
                    context.function_version, context.memory_limit_in_mb, context.log_group_name, left]
        """,
        Timeout=7,
    )
    invocation = functions.invoke(name, {})
    *texts, left = invocation.payload
    arn = f"arn:aws:lambda:eu-central-1:123456789012:function:{name}"
    assert texts == [invocation.request_id, arn, name, "$LATEST", "512", f"/aws/lambda/{name}"]
    assert 5000 < left <= 7000


def test_two_functions_with_modules_of_one_name_do_not_collide(stack: Stack, functions: Functions) -> None:
    source = "import os\nstate = []\ndef handler(event, context): state.append({0!r}); return state"
    one, two = stack.function(source.format("one")), stack.function(source.format("two"))
    assert [functions.invoke(name, {}).payload for name in (one, two, one)] == [
        ["one"],
        ["two"],
        ["one", "one"],
    ]


def test_error_is_reported_as_lambda_does(stack: Stack, functions: Functions) -> None:
    name = stack.function(
        "def handler(event, context):\n    print('before')\n    raise ValueError('no good')"
    )
    invocation = functions.invoke(name, {})
    assert invocation.error is not None
    assert (invocation.error.type, invocation.error.message) == ("ValueError", "no good")
    assert "app.py" in invocation.error.stack[-1]
    assert "bootstrap" not in "".join(invocation.error.stack)
    assert invocation.log.startswith("before\n[ERROR] ValueError: no good\nTraceback")
    assert functions.invoke(name, {}).init_milliseconds is None, "an error does not end the environment"


def test_an_answer_that_is_not_json_is_an_error(stack: Stack, functions: Functions) -> None:
    invocation = functions.invoke(stack.function("def handler(event, context): return {1, 2}"), {})
    assert invocation.error is not None
    assert invocation.error.type == "TypeError"


def test_import_error_is_reported_and_the_next_event_tries_again(stack: Stack, functions: Functions) -> None:
    name = stack.function("print('importing')\nimport not_there")
    for _ in range(2):
        invocation = functions.invoke(name, {})
        assert invocation.error is not None
        assert invocation.error.type == "ModuleNotFoundError"
        assert invocation.log.startswith("importing\n[ERROR]")
    assert functions.environments() == []


def test_function_past_its_deadline_is_killed_and_its_lines_are_kept(stack: Stack, cache: Path) -> None:
    name = stack.function(
        """
        import time
        def handler(event, context):
            print(context.get_remaining_time_in_millis())
            if event: time.sleep(30)
            return "in time"
        """,
        Timeout=10,
    )
    with Functions(stack.world, TimeScale(0.05), cache=cache) as functions:
        assert functions.invoke(name, False).payload == "in time"
        invocation = functions.invoke(name, True)
        assert invocation.death is Death.TIMEOUT
        assert invocation.error is not None
        assert "Task timed out after 10.00 seconds" in invocation.error.message
        assert 450 < invocation.milliseconds < 2000
        assert 300 < int(invocation.log) <= 500, "the function itself is told the scaled time"
        assert functions.environments() == []
        again = functions.invoke(name, False)
        assert again.payload == "in time"
        assert again.init_milliseconds is not None


@linux_only
def test_function_above_its_memory_is_killed(stack: Stack, functions: Functions) -> None:
    name = stack.function(
        """
        import time
        def handler(event, context):
            block = bytearray(event * 1024 * 1024)
            time.sleep(0.1)
            return len(block)
        """,
        MemorySize=128,
    )
    assert functions.invoke(name, 10).payload == 10 * 1024 * 1024
    invocation = functions.invoke(name, 300)
    assert invocation.death is Death.MEMORY
    assert invocation.error is not None
    assert "signal: killed" in invocation.error.message
    assert invocation.max_memory_mb > 128
    assert functions.invoke(name, 10).payload == 10 * 1024 * 1024


@linux_only
def test_memory_taken_by_an_import_counts_too(stack: Stack, functions: Functions) -> None:
    name = stack.function("import time\nblock = bytearray(400 << 20)\ntime.sleep(5)", MemorySize=128)
    invocation = functions.invoke(name, {})
    assert invocation.death is Death.MEMORY
    assert invocation.error is not None


@pytest.mark.parametrize(
    ("ending", "says"),
    [
        ("os._exit(3)", "exit status 3"),
        ("sys.exit(4)", "exit status 4"),
        ("os.kill(os.getpid(), 9)", "signal: killed"),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_function_that_ends_its_process_is_reported(
    stack: Stack, functions: Functions, ending: str, says: str
) -> None:
    name = stack.function(
        f"import os, sys\ndef handler(event, context):\n    print('last words')\n    {ending}"
    )
    invocation = functions.invoke(name, {})
    assert invocation.death is Death.EXIT
    assert invocation.error is not None
    assert invocation.error.message.endswith(says)
    assert invocation.log == "last words\n"


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_environment_killed_while_idle_is_replaced(stack: Stack, functions: Functions) -> None:
    name = stack.function("import os\ndef handler(event, context): return os.getpid()")
    pid = functions.invoke(name, {}).payload
    assert [(e.pid, e.request_id) for e in functions.environments()] == [(pid, None)]
    os.kill(pid, signal.SIGKILL)
    time.sleep(0.1)
    invocation = functions.invoke(name, {})
    assert invocation.payload != pid
    assert invocation.error is None


@pytest.mark.skipif(os.name == "nt", reason="Windows does not hold a process's files to a size")
def test_a_full_tmp_fails_writes_and_nothing_else(stack: Stack, cache: Path) -> None:
    name = stack.function(
        """
        import os
        def handler(event, context):
            print("working")
            with open(os.environ["TMPDIR"] + "/file", "wb", buffering=0) as file:
                return file.write(b"x" * event)
        """
    )
    with Functions(stack.world, cache=cache, file_bytes=0) as full:
        invocation = full.invoke(name, 1)
        assert invocation.error is not None
        assert invocation.error.type == "OSError"
        assert invocation.log.startswith("working\n")
        assert full.invoke(name, 0).payload == 0, "the process lives on"


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no SIGKILL")
def test_a_signal_reaches_only_the_process_that_still_runs_that_event(
    stack: Stack, functions: Functions, wait_until: Callable[..., None]
) -> None:
    name = stack.function("import time\ndef handler(event, context): time.sleep(event); return event")
    ran: list[Any] = []
    thread = threading.Thread(target=lambda: ran.append(functions.invoke(name, 5)))
    thread.start()
    wait_until(lambda: any(one.event == 5 for one in functions.environments()))
    (running,) = functions.environments()
    assert functions.signal(running, signal.SIGKILL)
    thread.join()
    assert ran[0].death is Death.EXIT
    assert not functions.signal(running, signal.SIGKILL)
