"""The media pipeline of one stack: configuration, packages, components, outputs."""

import pulumi

from components import config, environment, packaging, preflight
from components.alerting import MediaAlerting, MediaAlertingArgs
from components.applications import ApplicationAccess, ApplicationAccessArgs
from components.dashboard import OperatorDashboard, OperatorDashboardArgs
from components.function_specs import MEDIA_WORKERS, deployed
from components.naming import Account, aws_provider
from components.outcome_subscriber import OutcomeSubscriber, OutcomeSubscriberArgs
from components.outputs import OUTPUTS, Deployed
from components.processing import MediaProcessing, MediaProcessingArgs
from components.review_console import ReviewConsole, ReviewConsoleArgs
from components.scheduled_function import ScheduledFunction, ScheduledFunctionArgs
from components.storage import MediaStorage, MediaStorageArgs
from components.upload_api import UploadApi, UploadApiArgs

stack = config.load()
target = packaging.Target.chosen(stack.runtime, stack.architecture)
if target.is_host:
    pulumi.log.warn("The packages are built for this machine: they work in the embedded AWS, not on AWS.")
packages = packaging.build_stack(target, video=stack.video.enabled)
if not packages.has_bytecode:
    pulumi.log.warn(packaging.missing(target))

provider = aws_provider(stack)
preflight.look_at_quotas(stack, provider)
account = Account.current(stack, provider)
options = pulumi.ResourceOptions(provider=provider)

alerting = MediaAlerting(
    stack.service,
    MediaAlertingArgs(
        account=account,
        service=stack.service,
        alerts=stack.notify.alerts,
        results=stack.notify.results,
        stack=stack.stack,
        monthly_dollars=stack.notify.monthly_dollars,
        judged_per_day=stack.limits.judged_per_day,
        counts_expiring_reviews=stack.reconcile == "daily" and stack.retention.quarantine > 0,
    ),
    options,
)
storage = MediaStorage(
    stack.service,
    MediaStorageArgs(
        account=account,
        retention=stack.retention,
        point_in_time_recovery=stack.point_in_time_recovery,
        protect=stack.protect,
    ),
    options,
)
processing = MediaProcessing(
    stack.service,
    MediaProcessingArgs(account=account, config=stack, storage=storage, alerting=alerting, packages=packages),
    options,
)
subscribers = {
    spec.name: OutcomeSubscriber(
        f"{stack.service}-{spec.name}",
        OutcomeSubscriberArgs(spec=spec, platform=processing.platform, resources=processing.resources),
        options,
    )
    for spec in deployed(stack)
    if spec.subscribes
}
scheduled = {
    spec.name: ScheduledFunction(
        f"{stack.service}-{spec.name}",
        ScheduledFunctionArgs(
            spec=spec,
            expression=spec.schedule,
            account=account,
            platform=processing.platform,
            resources=processing.resources,
        ),
        options,
    )
    for spec in deployed(stack)
    if spec.schedule
}
if stack.dashboard:
    workers = [processing.functions[spec.name] for spec in MEDIA_WORKERS if spec.is_deployed(stack)]
    queues = processing.resources.work_queues
    OperatorDashboard(
        stack.service,
        OperatorDashboardArgs(
            service=stack.service,
            region=stack.region,
            workers=[worker.function.name for worker in workers],
            log_groups=[worker.log_group.name for worker in workers],
            queues=[queue.queue.name for queue in queues],
            dead_letters=[queue.dead_letters.name for queue in queues],
        ),
        options,
    )
access = ApplicationAccess(stack.service, ApplicationAccessArgs(storage=storage), options)
upload_api = None
if stack.api.enabled:
    upload_api = UploadApi(
        stack.service,
        UploadApiArgs(config=stack, platform=processing.platform, resources=processing.resources),
        options,
    )
console = None
if stack.review.console:
    console = ReviewConsole(
        stack.service,
        ReviewConsoleArgs(config=stack, platform=processing.platform, resources=processing.resources),
        options,
    )
storage.protect_uploads(
    api_prefix=environment.UPLOADS_PREFIX, api_role=upload_api.function.role.arn if upload_api else None
)

deployed_components = Deployed(
    storage=storage,
    alerting=alerting,
    processing=processing,
    subscribers=subscribers,
    scheduled=scheduled,
    access=access,
    upload_api=upload_api,
    console=console,
    review_settings=environment.review_settings(stack),
)
for name, output in OUTPUTS.items():
    if (value := output.value(deployed_components)) is not None:
        pulumi.export(name, value)
