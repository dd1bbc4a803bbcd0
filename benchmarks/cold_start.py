"""`make bench-cold`: the CPU of cold starts from the zips, in fresh processes, against importing boto3 and Pillow.

The zips are built for this machine, unpacked as Lambda does (layers below one folder, the code in another) and never
written to, so that no module finds bytecode that was not in them. boto3 and botocore, which the Lambda runtime
brings with it, come from `.venv` with their bytecode. What AWS adds (fetching the zips, starting the sandbox) cannot
be measured here; what Python does can. The processes of all cases take turns, so that a busy machine slows all of
them equally: ratios and milliseconds are of medians.
"""

import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from components.packaging import Target
from components.packaging.stack import build_stack

ROOT = Path(__file__).parent.parent
MOST_RATIO: Final = {"process_image": 1.45, "process_image, traced": 1.7}
MOST_FIRST_CALL: Final = 60.0  # ms of CPU, of the functions with a small share of a vCPU
_RUNS = 7
_BARE = """
import boto3, PIL.Image
boto3.client("s3")
"""
_CLOCK = """
import time
print(time.process_time(), file=sys.stderr)
"""
_CONTEXT = """
class Context:
    aws_request_id = "00000000-0000-0000-0000-000000000000"
    function_name, function_version, memory_limit_in_mb = "function", "1", 1769
    invoked_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:function"
    log_group_name = log_stream_name = "none"
    def get_remaining_time_in_millis(self):
        return 60_000
"""
# S3's test message, the only one that is handled without calling a service.
_TEST_MESSAGE = """{"Records": [{
    "messageId": "1", "receiptHandle": "1", "body": '{"Service":"Amazon S3","Event":"s3:TestEvent"}',
    "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "0"}, "messageAttributes": {}, "md5OfBody": "",
    "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:images", "awsRegion": ""}]}"""
# A form is signed without calling a service, too.
_FORM = """{
    "resource": "/v1/uploads", "path": "/v1/uploads", "httpMethod": "POST",
    "headers": {"content-type": "application/json"}, "multiValueHeaders": {}, "queryStringParameters": None,
    "multiValueQueryStringParameters": None, "pathParameters": None, "stageVariables": None,
    "requestContext": {"requestId": "r", "path": "/dev/v1/uploads", "stage": "dev",
        "domainName": "a.execute-api.eu-central-1.amazonaws.com", "identity": {"apiKeyId": "k"}},
    "body": '{"content_type":"image/jpeg","bytes":1000}', "isBase64Encoded": False}"""
_ANNOUNCEMENT = """{"Records": [{"Sns": {
    "Message": '{"alert_id":"a","object_key":"photo.jpg","status":"PUBLISHED","renditions":[]}'}}]}"""
_FIRST_OBJECT = """
from pathlib import Path
from media_pipeline.images.inspection import inspect
from media_pipeline.limits import Limits
from media_pipeline.images.renditions import render
from media_pipeline.images.sizes import Size, Specs
data, limits = Path(sys.argv[1]).read_bytes(), Limits()
sizes = Size(name="large", width=2048), Size(name="thumbnail", width=150)
specs = Specs(sizes=sizes, formats=("jpeg", "webp"), quality={})
render(data, inspect(data, limits), specs, limits)
"""
_SHARED = {
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_REGION": "eu-central-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769",
    "LAMBDA_TASK_ROOT": "/var/task",
    "_X_AMZN_TRACE_ID": "Root=1-00000000-000000000000000000000000;Parent=0000000000000000;Sampled=1",
    "STACK": "bench",
    "TIMEOUT": "60",
    "RECORDS_RETENTION_DAYS": "0",
    "POWERTOOLS_SERVICE_NAME": "media-pipeline-bench",
    "POWERTOOLS_METRICS_NAMESPACE": "MediaPipeline",
    "POWERTOOLS_METRICS_DISABLED": "true",
}
_BUCKETS = {
    "UPLOADS_BUCKET": "uploads",
    "QUARANTINE_BUCKET": "quarantine",
    "RENDITIONS_BUCKET": "renditions",
    "RECORDS_TABLE": "records",
}
_IMAGE = {
    **_BUCKETS,
    "EVENTS_TOPIC_ARN": "arn:aws:sns:eu-central-1:123456789012:events",
    "QUEUE_URL": "http://127.0.0.1:1/images",
    "SIZES": '{"large":2048,"thumbnail":150}',
    "FORMATS": '["jpeg","webp"]',
    "QUALITY": '{"jpeg":80,"webp":80}',
    "GRAYSCALE": "false",
    "TRANSPARENCY": "flatten",
    "BACKGROUND": "#ffffff",
    "MODERATION_CACHE_DAYS": "30",
    "MODERATION": '{"mode":"enforce","recordFrom":30,"block":{"Explicit":60},"review":{},"exempt":[]}',
    "LIMITS": '{"bytes":26214400,"pixels":50000000,"frames":200}',
}
_API = {
    **_BUCKETS,
    "UPLOADS_PREFIX": "api/",
    "LIMITS": '{"bytes":26214400,"pixels":50000000,"frames":200,"videoBytes":524288000}',
    "VIDEO_ENABLED": "true",
    "CORS_ORIGINS": "[]",
    "UPLOAD_ID_SECRET": "none",
}


@dataclass(frozen=True)
class Function:
    """A function's first event, as Python source, and the variables that it has besides the shared ones."""

    event: str
    variables: dict[str, str]


FUNCTIONS: Final = {
    "process_image": Function(_TEST_MESSAGE, _IMAGE),
    "upload_api": Function(_FORM, _API),
    "log_notification": Function(_ANNOUNCEMENT, {}),
}


@dataclass(frozen=True)
class Start:
    """CPU milliseconds of one cold start: until the handler is imported, and its first call."""

    init: float
    first_call: float

    @property
    def total(self) -> float:
        """The whole start."""
        return self.init + self.first_call


def main() -> int:
    """Measure, print a line per function, and return 1 if a limit is exceeded."""
    with unpacked() as path:
        bare, starts = measured(path)
    print(f"{'bare: boto3, Pillow and an S3 client':<30}{bare:>7.0f} ms of CPU")
    missed = False
    for name, start in starts.items():
        ratio, limits = start.total / bare, []
        if name in MOST_RATIO:
            limits.append((f"{MOST_RATIO[name]} x bare", ratio <= MOST_RATIO[name]))
        if not name.startswith("process"):
            limits.append((f"first call {MOST_FIRST_CALL:.0f} ms", start.first_call <= MOST_FIRST_CALL))
        verdict = ", ".join(f"at most {limit}: {'met' if is_met else 'MISSED'}" for limit, is_met in limits)
        missed |= not all(is_met for _, is_met in limits)
        print(
            f"{name:<30}{start.total:>7.0f} ms = {ratio:.2f} x bare: init {start.init:.0f}, "
            f"first call {start.first_call:.0f}; {verdict}"
        )
    return 1 if missed else 0


def measured(path: list[Path]) -> tuple[float, dict[str, Start]]:
    """Return the bare import's CPU milliseconds and each function's start, untraced and traced; medians."""
    bare: list[float] = []
    runs: dict[str, list[list[float]]] = {}
    for _ in range(_RUNS):
        bare.append(_bare())
        for name in FUNCTIONS:
            for tracing in (False, True):
                label = f"{name}, traced" if tracing else name
                runs.setdefault(label, []).append(_started(path, name, tracing=tracing))
    starts = {}
    for label, times in runs.items():
        starts[label] = Start(median(t[0] for t in times), median(t[1] - t[0] for t in times))
    return median(bare), starts


def cold_start(photo: Path) -> dict[str, float]:
    """Return what `make bench` reports: CPU milliseconds of process_image from the zips, and their ratios."""
    bare, plain, traced, first_object = [], [], [], []
    with unpacked() as path:
        for _ in range(_RUNS):
            bare.append(_bare())
            _, started, finished = _started(path, "process_image", tracing=False, photo=photo)
            plain.append(started)
            first_object.append(finished - started)
            traced.append(_started(path, "process_image", tracing=True)[1])
    values = {"bare": bare, "function": plain, "first_object": first_object, "function_with_tracing": traced}
    milliseconds = {name: round(median(each), 1) for name, each in values.items()}
    function, base = milliseconds["function"], milliseconds["bare"]
    return milliseconds | {
        "ratio": round(function / base, 2),
        "ratio_with_first_object": round((function + milliseconds["first_object"]) / base, 2),
        "tracing_adds": round(milliseconds["function_with_tracing"] - function, 1),
    }


@contextmanager
def unpacked() -> Iterator[list[Path]]:
    """Build the zips for this machine, and unpack them; yield what goes in front of `sys.path`."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        packages = build_stack(Target.host())
        for package, where in ((packages.code, "task"), (packages.image_layer, "opt")):
            with zipfile.ZipFile(package.path) as archive:
                archive.extractall(folder / where)
        yield [folder / "task", folder / "opt" / "python"]


def _bare() -> float:
    return _measured("import sys\n" + _BARE + _CLOCK, {})[0]


def _started(path: list[Path], name: str, *, tracing: bool, photo: Path | None = None) -> list[float]:
    """Return the process's CPU milliseconds after the import, after the first call, and after the first picture."""
    function = FUNCTIONS[name]
    program = [
        f"import sys\nsys.path[:0] = {[str(each) for each in path]!r}",
        f"from media_pipeline.handlers import {name} as function",
        _CLOCK + _CONTEXT,
        f"function.handler({function.event}, Context())",
        _CLOCK,
        *([_FIRST_OBJECT, _CLOCK] if photo else []),
    ]
    flags = {"TRACING": str(tracing).lower(), "POWERTOOLS_TRACE_DISABLED": str(not tracing).lower()}
    return _measured("\n".join(program), function.variables | flags, *([photo] if photo else []))


def _measured(code: str, more: dict[str, str], *arguments: Path) -> list[float]:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON"))
    }
    result = subprocess.run(
        [sys.executable, "-B", "-W", "ignore", "-c", code, *map(str, arguments)],
        cwd=ROOT,
        env={**environment, **_SHARED, **more},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise RuntimeError(f"the function does not start: {result.stderr[-2000:]}")
    return [float(line) * 1000 for line in result.stderr.splitlines() if line.replace(".", "", 1).isdigit()]


if __name__ == "__main__":
    sys.exit(main())
