"""The resources that the functions work on: what their permissions and their environment refer to."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.delivery import MediaDelivery
from components.queue import WorkQueue
from components.storage import MediaStorage


@dataclass(frozen=True, kw_only=True)
class Resources:
    """The resources of one stack; `videos` is None where `video.enabled` is false."""

    storage: MediaStorage
    events: aws.sns.Topic
    images: WorkQueue
    videos: WorkQueue | None
    upload_id_secret: pulumi.Output[str] | None = None
    """Set by the component that creates it: UploadApi."""
    delivery: MediaDelivery | None = None
    """The distribution in front of the renditions; None where `delivery.cdn` is false."""
    takes_appeals: bool = False
    """Whether the upload API takes appeals, which it writes into records."""

    @property
    def video_queue(self) -> WorkQueue:
        """The queue of videos; raise ValueError in a stack without videos, where no function refers to it."""
        if self.videos is None:
            raise ValueError("the videos queue was asked for in a stack without videos")
        return self.videos

    @property
    def distribution(self) -> MediaDelivery:
        """The distribution; raise ValueError in a stack without one, where no function refers to it."""
        if self.delivery is None:
            raise ValueError("the distribution was asked for in a stack without delivery.cdn")
        return self.delivery

    @property
    def id_secret(self) -> pulumi.Output[str]:
        """The secret that ids of uploads are derived from; raise ValueError before UploadApi has created it."""
        if self.upload_id_secret is None:
            raise ValueError("upload-api needs the secret of upload ids first: UploadApi creates it")
        return self.upload_id_secret

    @property
    def work_queues(self) -> tuple[WorkQueue, ...]:
        """All queues whose messages the pipeline works on."""
        return (self.images, self.videos) if self.videos else (self.images,)
