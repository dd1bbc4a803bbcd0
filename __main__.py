"""The media pipeline of one stack: configuration, packages, components, outputs."""

import pulumi

from components import config, packaging
from components.alerting import MediaAlerting, MediaAlertingArgs
from components.applications import ApplicationAccess, ApplicationAccessArgs
from components.naming import Account, aws_provider
from components.outcome_log import OutcomeLog, OutcomeLogArgs
from components.processing import MediaProcessing, MediaProcessingArgs
from components.storage import MediaStorage, MediaStorageArgs
from components.upload_api import UploadApi, UploadApiArgs

stack = config.load()
target = packaging.Target.chosen(stack.runtime, stack.architecture)
if target.is_host:
    pulumi.log.warn("The packages are built for this machine: good for the embedded AWS, of no use on AWS.")
packages = packaging.build_stack(target, video=stack.video.enabled)

provider = aws_provider(stack)
account = Account.current(stack, provider)
options = pulumi.ResourceOptions(provider=provider)

alerting = MediaAlerting(
    stack.service,
    MediaAlertingArgs(
        account=account, service=stack.service, alerts=stack.notify.alerts, results=stack.notify.results
    ),
    options,
)
storage = MediaStorage(
    stack.service,
    MediaStorageArgs(account=account, retention=stack.retention, protect=stack.protect),
    options,
)
processing = MediaProcessing(
    stack.service,
    MediaProcessingArgs(account=account, config=stack, storage=storage, alerting=alerting, packages=packages),
    options,
)
outcome_log = OutcomeLog(
    f"{stack.service}-log-notification",
    OutcomeLogArgs(platform=processing.platform, events=alerting.events),
    options,
)
access = ApplicationAccess(stack.service, ApplicationAccessArgs(storage=storage), options)

pulumi.export("uploads_bucket", storage.uploads.bucket.bucket)
pulumi.export("quarantine_bucket", storage.quarantine.bucket.bucket)
pulumi.export("renditions_bucket", storage.renditions.bucket.bucket)
pulumi.export("logs_bucket", storage.logs.bucket.bucket)
pulumi.export("records_table", storage.records.name)
pulumi.export("events_topic_arn", alerting.events.arn)
pulumi.export("alarms_topic_arn", alerting.alarms.arn)
pulumi.export("images_queue_url", processing.images.queue.url)
pulumi.export("images_dead_letters_url", processing.images.dead_letters.url)
pulumi.export("process_image_function", processing.process_image.function.name)
pulumi.export("dead_letters_function", processing.dead_letters.function.name)
pulumi.export("log_notification_function", outcome_log.function.function.name)
pulumi.export("log_notification_dead_letters_url", outcome_log.dead_letters.url)
pulumi.export("may_upload_policy_arn", access.may_upload.arn)
pulumi.export("may_read_renditions_policy_arn", access.may_read_renditions.arn)

if processing.videos and processing.process_video:
    pulumi.export("videos_queue_url", processing.videos.queue.url)
    pulumi.export("videos_dead_letters_url", processing.videos.dead_letters.url)
    pulumi.export("process_video_function", processing.process_video.function.name)

if stack.api.enabled:
    upload_api = UploadApi(
        stack.service,
        UploadApiArgs(config=stack, platform=processing.platform, storage=storage),
        options,
    )
    pulumi.export("api_url", upload_api.url)
    pulumi.export("api_key", upload_api.key)
    pulumi.export("upload_api_function", upload_api.function.function.name)
