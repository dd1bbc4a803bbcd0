"""Passes videos from the images queue to the videos queue."""

import json
from typing import TYPE_CHECKING

from media_pipeline.events import ObjectEvent

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class VideosQueue:
    """The queue that feeds the video function."""

    def __init__(self, *, sqs: "SQSClient", url: str) -> None:
        self._sqs = sqs
        self._url = url

    def send(self, event: ObjectEvent) -> None:
        """Send the event as S3 sent it; if it is sent twice, the second finds the record claimed or done."""
        body = json.dumps({"Records": [event.source]})
        self._sqs.send_message(QueueUrl=self._url, MessageBody=body)
