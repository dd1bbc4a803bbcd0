"""`pause` and `resume`: the workers' mappings are switched off and on, and nothing else is."""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from operations import __main__
from operations.errors import OperationsError
from operations.intake import Intake
from operations.stack import StackOutputs
from tests.fixtures.moto_speedups import fast_mock_aws
from tests.fixtures.storage import ENVIRONMENT, REGION

FUNCTIONS = ("process-image", "process-video", "dead-letters")


class Stack:
    """Functions in moto, each with a queue that feeds it."""

    def __init__(self) -> None:
        iam, self.awslambda, sqs = boto3.client("iam"), boto3.client("lambda"), boto3.client("sqs")
        trust = json.dumps({"Version": "2012-10-17", "Statement": []})
        role = iam.create_role(RoleName="worker", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            archive.writestr("a.py", "")
        for name in FUNCTIONS:
            self.awslambda.create_function(
                FunctionName=name,
                Runtime="python3.13",
                Role=role,
                Handler="a.b",
                Code={"ZipFile": code.getvalue()},
            )
            url = sqs.create_queue(QueueName=name)["QueueUrl"]
            arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"][
                "QueueArn"
            ]
            function = f"arn:aws:lambda:{REGION}:123456789012:function:{name}"  # as the program names it
            self.awslambda.create_event_source_mapping(EventSourceArn=arn, FunctionName=function)

    def outputs(self, **more: Any) -> dict[str, Any]:
        names = {f"{name.replace('-', '_')}_function": name for name in FUNCTIONS}
        own = {
            "uploads_bucket": "uploads",
            "records_table": "records",
            "images_queue_url": "https://sqs/images",
        }
        return {**own, **names, **more}

    def states(self) -> dict[str, str]:
        found = self.awslambda.list_event_source_mappings()["EventSourceMappings"]
        return {each["FunctionArn"].split(":")[6]: each["State"] for each in found}


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with fast_mock_aws():
        yield Stack()


def test_pause_stops_both_workers_and_leaves_what_reads_dead_letters_and_resume_has_them_go_on(
    stack: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "outputs.json"
    file.write_text(json.dumps(stack.outputs()))
    arguments = ["--stack", "dev", "--outputs", str(file)]
    assert __main__.main(["pause", *arguments]) == 0
    assert stack.states() == {
        "process-image": "Disabled",
        "process-video": "Disabled",
        "dead-letters": "Enabled",
    }
    assert "python -m operations resume --stack dev" in capsys.readouterr().out
    assert __main__.main(["resume", *arguments]) == 0
    assert set(stack.states().values()) == {"Enabled"}


def test_a_stack_without_videos_has_one_worker_to_pause(stack: Stack) -> None:
    outputs = StackOutputs.parse(stack.outputs(process_video_function=None), "a test")
    (paused,) = Intake(awslambda=stack.awslambda, outputs=outputs).switch(takes=False, wait=0)
    assert (paused.function, paused.state) == ("process-image", "Disabled")


def test_what_takes_lambda_too_long_is_said_and_can_be_repeated(stack: Stack) -> None:
    class Slow:
        """Says that every mapping is still being disabled."""

        def __getattr__(self, name: str) -> Any:
            return getattr(stack.awslambda, name)

        def get_paginator(self, _: str) -> Any:
            return self

        def paginate(self, **request: Any) -> Any:
            page = stack.awslambda.list_event_source_mappings(**request)
            for each in page["EventSourceMappings"]:
                each["State"] = "Disabling"
            return [page]

    slow: Any = Slow()
    now = iter(range(100))
    outputs = StackOutputs.parse(stack.outputs(), "a test")
    intake = Intake(awslambda=slow, outputs=outputs, clock=lambda: float(next(now)), sleep=lambda _: None)
    with pytest.raises(OperationsError, match="process-video is Disabling; it may take Lambda a minute"):
        intake.switch(takes=False, wait=10)


def test_outputs_without_workers_are_an_error(stack: Stack) -> None:
    none = {"process_image_function": None, "process_video_function": None}
    outputs = StackOutputs.parse(stack.outputs(**none), "a test")
    with pytest.raises(OperationsError, match="no function that takes uploads"):
        Intake(awslambda=stack.awslambda, outputs=outputs).switch(takes=False, wait=0)
