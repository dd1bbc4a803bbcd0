"""Measure the CPU of a cold start in fresh processes: imports and clients, then the first picture; and a bare import.

What AWS adds (fetching the package, starting the sandbox) cannot be measured here; what Python does can.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parent.parent
_RUNS = 7
_BARE = """
import boto3, PIL.Image
boto3.client("s3")
"""
_FUNCTION = """
import sys
sys.path.insert(0, "lambda")
from media_pipeline.handlers import process_image

class Context:
    aws_request_id = "00000000-0000-0000-0000-000000000000"
    function_name, function_version, memory_limit_in_mb = "process-image", "1", 1769
    invoked_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:process-image"
    log_group_name = log_stream_name = "none"
    def get_remaining_time_in_millis(self):
        return 60_000

# S3's test message, the only one that is handled without calling a service.
message = {"messageId": "1", "receiptHandle": "1", "body": '{"Service":"Amazon S3","Event":"s3:TestEvent"}',
           "attributes": {"ApproximateReceiveCount": "1"}, "messageAttributes": {}, "md5OfBody": "",
           "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:images", "awsRegion": ""}
process_image.handler({"Records": [message]}, Context())
"""
_CLOCK = """
import sys, time
print(time.process_time(), file=sys.stderr)
"""
_FIRST_OBJECT = """
from pathlib import Path
from media_pipeline.images.inspection import inspect
from media_pipeline.limits import Limits
from media_pipeline.images.renditions import Size, Specs, render
data, limits = Path(sys.argv[1]).read_bytes(), Limits()
sizes = Size(name="large", width=2048), Size(name="thumbnail", width=150)
specs = Specs(sizes=sizes, formats=("jpeg", "webp"), quality={})
render(data, inspect(data, limits), specs, limits)
"""
_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_REGION": "eu-central-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "STACK": "bench",
    "UPLOADS_BUCKET": "uploads",
    "QUARANTINE_BUCKET": "quarantine",
    "RENDITIONS_BUCKET": "renditions",
    "RECORDS_TABLE": "records",
    "EVENTS_TOPIC_ARN": "arn:aws:sns:eu-central-1:123456789012:events",
    "QUEUE_URL": "http://127.0.0.1:1/images",
    "SIZES": '{"large":2048,"thumbnail":150}',
    "FORMATS": '["jpeg","webp"]',
    "QUALITY": '{"jpeg":80,"webp":80}',
    "GRAYSCALE": "false",
    "TRANSPARENCY": "flatten",
    "BACKGROUND": "#ffffff",
    "MODERATION": '{"mode":"enforce","recordFrom":30,"block":{"Explicit":60},"review":{},"exempt":[]}',
    "LIMITS": '{"bytes":26214400,"pixels":50000000,"frames":200}',
    "RECORDS_RETENTION_DAYS": "0",
    "POWERTOOLS_SERVICE_NAME": "media-pipeline-bench",
    "POWERTOOLS_METRICS_NAMESPACE": "MediaPipeline",
    "POWERTOOLS_METRICS_DISABLED": "true",
}


def cold_start(photo: Path) -> dict[str, float]:
    """Return CPU milliseconds (medians of fresh processes, interleaved), and their ratios."""
    runs: dict[str, list[float]] = {
        "bare": [],
        "function": [],
        "first_object": [],
        "function_with_tracing": [],
    }
    for _ in range(_RUNS):
        runs["bare"].append(_measured(_BARE + _CLOCK, {})[0])
        started, finished = _measured(
            _FUNCTION + _CLOCK + _FIRST_OBJECT + _CLOCK, {"TRACING": "false"}, photo
        )
        runs["function"].append(started)
        runs["first_object"].append(finished - started)
        runs["function_with_tracing"].append(_measured(_FUNCTION + _CLOCK, {"TRACING": "true"})[0])
    milliseconds = {name: round(median(values), 1) for name, values in runs.items()}
    return milliseconds | {
        "ratio": round(milliseconds["function"] / milliseconds["bare"], 2),
        "ratio_with_first_object": round(
            (milliseconds["function"] + milliseconds["first_object"]) / milliseconds["bare"], 2
        ),
        "tracing_adds": round(milliseconds["function_with_tracing"] - milliseconds["function"], 1),
    }


def _measured(code: str, more: Mapping[str, str], *arguments: Path) -> list[float]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    tracing = {"POWERTOOLS_TRACE_DISABLED": str(more.get("TRACING") != "true").lower()}
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *map(str, arguments)],
        cwd=ROOT,
        env={**environment, **_ENVIRONMENT, **tracing, **more},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise RuntimeError(f"the function does not start: {result.stderr[-2000:]}")
    return [float(line) * 1000 for line in result.stderr.splitlines() if line.replace(".", "", 1).isdigit()]
