"""MediaPipeline: everything of one stack as one component, for `__main__.py` and for programs that embed it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from components import environment, key_preflight, packaging, preflight
from components.access_trail import AccessTrail, AccessTrailArgs
from components.alerting import MediaAlerting, MediaAlertingArgs
from components.applications import ApplicationAccess, ApplicationAccessArgs
from components.config_model import StackConfig
from components.dashboard import OperatorDashboard, OperatorDashboardArgs
from components.delivery import MediaDelivery, MediaDeliveryArgs
from components.function_specs import MEDIA_WORKERS, FunctionSpec, deployed
from components.naming import Account, component_type
from components.outcome_subscriber import OutcomeSubscriber, OutcomeSubscriberArgs
from components.outcome_webhooks import OutcomeWebhooks, OutcomeWebhooksArgs
from components.outputs import OUTPUTS, Deployed
from components.packaging import StackPackages
from components.processing import MediaProcessing, MediaProcessingArgs
from components.replacement import delete_settings_first
from components.review_console import ReviewConsole, ReviewConsoleArgs
from components.scheduled_function import ScheduledFunction, ScheduledFunctionArgs
from components.storage import MediaStorage, MediaStorageArgs
from components.trail_keys import trail_name
from components.upload_api import UploadApi, UploadApiArgs


@dataclass(frozen=True, kw_only=True)
class MediaPipelineArgs:
    """The checked configuration; its `service` is the prefix of the names of all resources."""

    config: StackConfig


class MediaPipeline(pulumi.ComponentResource):
    """The buckets, queues, functions, topics and APIs of one pipeline, made by the provider that `opts` name.

    `outputs` are those of `components.outputs` that the configuration has, by name.
    """

    outputs: Mapping[str, pulumi.Input[str]]

    def __init__(
        self, name: str, args: MediaPipelineArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(component_type("MediaPipeline"), name, {}, opts)
        self._config, self._name = args.config, args.config.service
        self._child = pulumi.ResourceOptions(
            parent=self,
            transformations=[delete_settings_first],
            # Until 0.2 these were children of the stack itself. Their own children inherit the alias.
            aliases=[pulumi.Alias(parent=pulumi.ROOT_STACK_RESOURCE)],
        )
        packages = _packages(self._config)
        preflight.look_at_quotas(self._config, parent=self)
        key_preflight.look_at_key(self._config, parent=self)
        account = Account.current(self._config.region, parent=self)
        alerting = self._alerting(account)
        storage = self._storage(account)
        delivery = self._delivery(storage) if self._config.delivery.cdn else None
        storage.protect_renditions(distribution=delivery.distribution.arn if delivery else None)
        processing = self._processing(account, storage, alerting, packages, delivery)
        subscribers = self._subscribers(processing)
        scheduled = self._scheduled(account, processing)
        webhooks = self._webhooks(alerting) if self._config.notify.webhooks else None
        trail = self._trail(account, storage) if self._config.access_logs.locked_days else None
        if self._config.dashboard:
            self._dashboard(processing)
        access = self._access(storage)
        upload_api = self._upload_api(processing) if self._config.api.enabled else None
        console = self._console(processing) if self._config.review.console else None
        storage.protect_uploads(
            api_prefix=environment.UPLOADS_PREFIX,
            api_role=upload_api.function.role.arn if upload_api else None,
        )
        made = Deployed(
            storage=storage,
            alerting=alerting,
            processing=processing,
            subscribers=subscribers,
            webhooks=webhooks,
            trail=trail,
            scheduled=scheduled,
            access=access,
            upload_api=upload_api,
            console=console,
            review_settings=environment.review_settings(self._config),
        )
        values = {key: output.value(made) for key, output in OUTPUTS.items()}
        self.outputs = {key: value for key, value in values.items() if value is not None}
        self.register_outputs(dict[str, Any](self.outputs))

    def _alerting(self, account: Account) -> MediaAlerting:
        config = self._config
        return MediaAlerting(
            self._name,
            MediaAlertingArgs(
                account=account,
                service=config.service,
                alerts=config.notify.alerts,
                results=config.notify.results,
                stack=config.stack,
                signs_for_webhooks=bool(config.notify.webhooks),
                monthly_dollars=config.notify.monthly_dollars,
                judged_per_day=config.limits.judged_per_day,
                key_arn=config.encryption.key_arn,
                counts_expiring_reviews=config.reconcile == "daily" and config.retention.quarantine > 0,
            ),
            self._child,
        )

    def _webhooks(self, alerting: MediaAlerting) -> OutcomeWebhooks:
        config = self._config
        return OutcomeWebhooks(
            self._name,
            OutcomeWebhooksArgs(
                webhooks=config.notify.webhooks,
                events=alerting.events,
                alarm_topic=alerting.alarm_topic,
                key_arn=config.encryption.key_arn,
            ),
            self._child,
        )

    def _storage(self, account: Account) -> MediaStorage:
        config = self._config
        return MediaStorage(
            self._name,
            MediaStorageArgs(
                account=account,
                retention=config.retention,
                point_in_time_recovery=config.point_in_time_recovery,
                protect=config.protect,
                key_arn=config.encryption.key_arn,
            ),
            self._child,
        )

    def _trail(self, account: Account, storage: MediaStorage) -> AccessTrail:
        config = self._config
        return AccessTrail(
            self._name,
            AccessTrailArgs(
                account=account,
                trail=trail_name(config.service),
                logs=config.access_logs,
                prefixes=storage.accessed,
                key_arn=config.encryption.key_arn,
            ),
            self._child,
        )

    def _delivery(self, storage: MediaStorage) -> MediaDelivery:
        config = self._config
        return MediaDelivery(
            self._name,
            MediaDeliveryArgs(delivery=config.delivery, renditions=storage.renditions, region=config.region),
            self._child,
        )

    def _processing(
        self,
        account: Account,
        storage: MediaStorage,
        alerting: MediaAlerting,
        packages: StackPackages,
        delivery: MediaDelivery | None,
    ) -> MediaProcessing:
        return MediaProcessing(
            self._name,
            MediaProcessingArgs(
                account=account,
                config=self._config,
                storage=storage,
                alerting=alerting,
                packages=packages,
                delivery=delivery,
            ),
            self._child,
        )

    def _access(self, storage: MediaStorage) -> ApplicationAccess:
        config = self._config
        return ApplicationAccess(
            self._name,
            ApplicationAccessArgs(storage=storage, region=config.region, encryption=config.encryption),
            self._child,
        )

    def _subscribers(self, processing: MediaProcessing) -> dict[str, OutcomeSubscriber]:
        """Create the functions that subscribe to outcomes; return them by the function's name."""

        def create(spec: FunctionSpec) -> OutcomeSubscriber:
            args = OutcomeSubscriberArgs(
                spec=spec, platform=processing.platform, resources=processing.resources
            )
            return OutcomeSubscriber(f"{self._name}-{spec.name}", args, self._child)

        return {spec.name: create(spec) for spec in deployed(self._config) if spec.subscribes}

    def _scheduled(self, account: Account, processing: MediaProcessing) -> dict[str, ScheduledFunction]:
        """Create the functions that run by a schedule; return them by the function's name."""
        return {
            spec.name: ScheduledFunction(
                f"{self._name}-{spec.name}",
                ScheduledFunctionArgs(
                    spec=spec,
                    expression=spec.schedule,
                    account=account,
                    platform=processing.platform,
                    resources=processing.resources,
                ),
                self._child,
            )
            for spec in deployed(self._config)
            if spec.schedule
        }

    def _dashboard(self, processing: MediaProcessing) -> None:
        config = self._config
        workers = [processing.functions[spec.name] for spec in MEDIA_WORKERS if spec.is_deployed(config)]
        queues = processing.resources.work_queues
        OperatorDashboard(
            self._name,
            OperatorDashboardArgs(
                service=config.service,
                region=config.region,
                workers=[worker.function.name for worker in workers],
                log_groups=[worker.log_group.name for worker in workers],
                queues=[queue.queue.name for queue in queues],
                dead_letters=[queue.dead_letters.name for queue in queues],
            ),
            self._child,
        )

    def _upload_api(self, processing: MediaProcessing) -> UploadApi:
        return UploadApi(
            self._name,
            UploadApiArgs(config=self._config, platform=processing.platform, resources=processing.resources),
            self._child,
        )

    def _console(self, processing: MediaProcessing) -> ReviewConsole:
        return ReviewConsole(
            self._name,
            ReviewConsoleArgs(
                config=self._config, platform=processing.platform, resources=processing.resources
            ),
            self._child,
        )


def _packages(config: StackConfig) -> StackPackages:
    """Build the functions' packages; warn where they are not what AWS runs, or start more slowly."""
    target = packaging.Target.chosen(config.runtime, config.architecture)
    if target.is_host:
        pulumi.log.warn("The packages are built for this machine: they work in the embedded AWS, not on AWS.")
    packages = packaging.build_stack(target, video=config.video.enabled)
    if not packages.has_bytecode:
        pulumi.log.warn(packaging.missing(target))
    return packages
