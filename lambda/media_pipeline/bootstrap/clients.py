"""AWS clients whose time-outs lie well below the function's own."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Literal

import botocore.session
from botocore.config import Config
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError

from media_pipeline.invocation import CALL_SHARE
from media_pipeline.moderation.billing import count_request

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_rekognition import RekognitionClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

    from media_pipeline.edge import CloudFront, Edge

ATTEMPTS = 3
CONNECT_SHARE = 1 / 60  # of the function's time-out, each attempt
READ_SHARE = 1 / 20
"""With both, and with the least seconds below, three attempts and their pauses of 3 s stay within invocation.STEP_SHARE
at every time-out from 15 s on, and within CALL_SHARE from 60 s on."""
_REFUSED = 300  # HTTP status
LARGE_COPY_SHARE = CALL_SHARE - 2 * CONNECT_SHARE  # of one attempt, so that it stays within CALL_SHARE too


@dataclass(frozen=True, kw_only=True)
class Clients:
    """One client per service, created once per execution environment."""

    s3: "S3Client"
    dynamodb: "DynamoDBClient"
    sns: "SNSClient"
    sqs: "SQSClient"
    large_copies: "Callable[[], S3Client]"
    """Gives the client for copies of large objects, created when the first one is needed."""
    cloudfront: "Callable[[], CloudFront]"
    """Gives the client of CloudFront, created when the first rendition is removed."""
    unrepeated_dynamodb: "Callable[[], DynamoDBClient]"
    """Gives the client for writes that count twice where the SDK repeats them, created when the first one is made."""

    @classmethod
    def create(cls, timeout: float) -> "Clients":
        """Create the clients of a function with this time-out in seconds."""
        services = {name: _client(name, timeout) for name in ("s3", "dynamodb", "sns", "sqs")}
        return cls(
            **services,
            large_copies=cache(partial(large_copies_s3, timeout)),
            cloudfront=cache(partial(_client, "cloudfront", timeout)),
            unrepeated_dynamodb=cache(partial(_client, "dynamodb", timeout, attempts=1)),
        )


def rekognition(timeout: float, count: Callable[[int], None]) -> "RekognitionClient":
    """Create the client of Rekognition, which slows itself down: a busy stack reaches Rekognition's quota first.

    `count` is called with 1 before each request is sent, whatever becomes of the function afterwards, and with -1 where
    AWS refused the request or could not be reached: such a request is not billed. The SDK's own retries count as well.
    The same is counted for the `billed_call` of the thread.
    """
    client: RekognitionClient = _client("rekognition", timeout, "adaptive")

    def sent(**_: Any) -> None:
        count(1)
        count_request(1)

    def received(response_dict: dict[str, Any] | None, exception: Exception | None, **_: Any) -> None:
        is_refused = response_dict is not None and response_dict["status_code"] >= _REFUSED
        if is_refused or isinstance(exception, (ConnectTimeoutError, EndpointConnectionError)):
            count(-1)
            count_request(-1)

    events = client.meta.events
    events.register("before-send.rekognition.DetectModerationLabels", sent)
    events.register("response-received.rekognition.DetectModerationLabels", received)
    return client


def dynamodb(timeout: float) -> "DynamoDBClient":
    """Create a client of DynamoDB alone, for a function that needs no other."""
    client: DynamoDBClient = _client("dynamodb", timeout)
    return client


def sqs(timeout: float) -> "SQSClient":
    """Create a client of SQS alone, for a function that sends messages and needs no worker's clients."""
    client: SQSClient = _client("sqs", timeout)
    return client


def signing_s3(timeout: float, attempts: int = ATTEMPTS) -> "S3Client":
    """Create a client of S3 whose links and forms work for anybody; it sends a call up to `attempts` times.

    Signature version 4 and the bucket's own regional host name: links to the global name are redirected for as long
    as a bucket is new, which breaks their signature. An endpoint that is an IP address is addressed by path.
    """
    addressing = {"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"}
    client: S3Client = _client("s3", timeout, attempts=attempts, signature_version="s3v4", s3=addressing)
    return client


def large_copies_s3(timeout: float) -> "S3Client":
    """Create a client of S3 that waits long for an answer, and sends a call once.

    S3 answers CopyObject once the copy is whole, which takes longer than other calls from some hundred megabytes on.
    An attempt that is given up would copy on, so none is repeated.
    """
    client: S3Client = _client("s3", timeout, attempts=1, read_share=LARGE_COPY_SHARE)
    return client


def edge_of(clients: Clients, distribution_id: str | None, address: str | None) -> "Edge | None":
    """Return the distribution that readers get renditions from; None where a stack has none."""
    if distribution_id is None or address is None:
        return None
    from media_pipeline.edge import Edge  # part of a cold start only where it is needed

    return Edge(cloudfront=clients.cloudfront, distribution_id=distribution_id, address=address)


@cache
def _session() -> botocore.session.Session:
    # One for all clients: each session reads the SDK's endpoints for itself, 20 ms of a cold start.
    return botocore.session.get_session()


def _client(
    service: str,
    timeout: float,
    retry_mode: Literal["standard", "adaptive"] = "standard",
    *,
    attempts: int = ATTEMPTS,
    read_share: float = READ_SHARE,
    **options: Any,
) -> Any:
    config = Config(
        connect_timeout=max(timeout * CONNECT_SHARE, 0.5),
        read_timeout=max(timeout * read_share, 1.0),
        retries={"mode": retry_mode, "total_max_attempts": attempts},
        **options,
    )
    return _session().create_client(service, config=config)
