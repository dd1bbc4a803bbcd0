"""Which requests to Rekognition count as paid for: each that was sent and not refused, whoever survives it."""

import contextlib
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from media_pipeline.bootstrap.clients import rekognition
from media_pipeline.moderation.billing import billed_call, count_request
from tests.fixtures.storage import ENVIRONMENT


class Killed(BaseException):
    """The end of a function that has no time left."""


Wire = Callable[[Any], Any]


def answered(status: int, document: dict[str, Any]) -> Wire:
    class Raw:
        def stream(self, **_: Any) -> Any:
            yield json.dumps(document).encode()

    headers: Any = {"Content-Type": "application/x-amz-json-1.1"}
    return lambda request: AWSResponse(request.url, status, headers, Raw())


def failing(error: BaseException) -> Wire:
    def fail(_: Any) -> None:
        raise error

    return fail


FOUND = answered(200, {"ModerationLabels": [], "ModerationModelVersion": "7.0"})
THROTTLED = answered(400, {"__type": "ThrottlingException", "message": ""})
BROKEN = answered(500, {"__type": "InternalServerError", "message": ""})
LOST = failing(ReadTimeoutError(endpoint_url="https://rekognition"))
UNREACHABLE = failing(ConnectTimeoutError(endpoint_url="https://rekognition"))


@pytest.mark.parametrize(
    ("answers", "paid", "error"),
    [
        ((FOUND,), 1, None),
        ((THROTTLED, FOUND), 1, None),
        ((LOST, FOUND), 2, None),  # both were carried out, and are billed
        ((UNREACHABLE, FOUND), 1, None),
        ((UNREACHABLE,) * 3, 0, ConnectTimeoutError),
        ((LOST, THROTTLED, THROTTLED), 1, ClientError),  # how the last one ended says nothing of the first
        ((BROKEN,) * 3, 0, ClientError),
        ((LOST,) * 3, 3, ReadTimeoutError),
        ((failing(Killed()),), 1, Killed),
    ],
)
def test_a_request_counts_as_paid_for_once_it_is_sent_unless_aws_refuses_it(
    monkeypatch: pytest.MonkeyPatch,
    answers: tuple[Wire, ...],
    paid: int,
    error: type[BaseException] | None,
) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("time.sleep", lambda _: None)
    counted: list[int] = []
    client, coming = rekognition(60.0, counted.append), iter(answers)
    client.meta.events.register_last("before-send", lambda request, **_: next(coming)(request))
    ends = contextlib.nullcontext() if error is None else pytest.raises(error)
    with ends, billed_call() as call:
        client.detect_moderation_labels(Image={"Bytes": b"picture"})
    assert sum(counted) == call.requests == paid
    assert counted[0] == 1


def test_each_thread_counts_the_requests_of_its_own_call() -> None:
    together = threading.Barrier(2)

    def counted(requests: int) -> int:
        with billed_call() as call:
            together.wait(10)
            count_request(requests)
            together.wait(10)
        count_request(9)  # of no call
        return call.requests

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(counted, (1, 2))) == [1, 2]
