"""UploadApi: a REST API with keys, from `openapi.yaml`, in front of the function upload-api."""

from dataclasses import dataclass, replace
from typing import Any

import pulumi
import pulumi_aws as aws

from components import openapi
from components.access_log import BY_KEY, AccessLog, AccessLogArgs
from components.alarms import AlarmArgs, Metric, alarm
from components.config_model import Api, StackConfig
from components.function import Platform, PythonFunction, PythonFunctionArgs
from components.function_specs import UPLOAD_API
from components.naming import component_type
from components.resources import Resources

PREFLIGHT_SECONDS = 600  # how long a browser may cache the answer to a preflight request
LEAST_REQUESTS = 20  # with fewer requests in five minutes a percentage means nothing
SERVER_ERROR_PERCENT = 1
CLIENT_ERROR_PERCENT = 5
SLOW_MILLISECONDS = 3000


@dataclass(frozen=True, kw_only=True)
class UploadApiArgs:
    """What the function runs on, and the resources that it uses."""

    config: StackConfig
    platform: Platform
    resources: Resources


class UploadApi(pulumi.ComponentResource):
    """The API with the stack's name as its stage, its function, and one key with a usage plan.

    `url` includes the stage and has no trailing slash; `key` is a secret. A key meters clients, it does not
    authenticate people.
    """

    function: PythonFunction
    url: pulumi.Output[str]
    key: pulumi.Output[str]

    def __init__(self, name: str, args: UploadApiArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(component_type("UploadApi"), name, {}, opts)
        self._args = args
        api = args.config.api

        resources = replace(
            args.resources,
            upload_id_secret=self._id_secret(f"{name}-upload-ids"),
            takes_appeals=args.config.review.appeal_days > 0,
        )
        self.function = PythonFunction(
            f"{name}-{UPLOAD_API.name}",
            PythonFunctionArgs(spec=UPLOAD_API, platform=args.platform, resources=resources),
            pulumi.ResourceOptions(parent=self),
        )
        stage = self._stage(f"{name}-api")
        aws.lambda_.Permission(
            f"{name}-api-permission",
            action="lambda:InvokeFunction",
            function=self.function.function.name,
            principal="apigateway.amazonaws.com",
            source_arn=pulumi.Output.concat(stage.execution_arn, "/*/*"),  # its methods and paths
            opts=pulumi.ResourceOptions(parent=self),
        )
        key = self._key(f"{name}-api", stage)
        if api.cors_origins:
            self._allow_web_pages(name, stage)
        self.url = stage.invoke_url
        self.key = pulumi.Output.secret(key.value)
        self.register_outputs({"url": self.url, "function": self.function.function.name})

    def _id_secret(self, name: str) -> pulumi.Output[str]:
        """Create a secret of the stack: a value that API Gateway generates, of a key that opens nothing.

        Pulumi itself has nothing random, and a secret store would be a further service (docs/adr/0031).
        """
        key = aws.apigateway.ApiKey(
            name,
            description="Not for clients: the secret that ids of uploads are derived from. Belongs to no usage plan.",
            enabled=False,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return pulumi.Output.secret(key.value)

    def _stage(self, name: str) -> aws.apigateway.Stage:
        """Create the API, a deployment of its routes, and the stage that serves it."""
        config, child = self._args.config, pulumi.ResourceOptions(parent=self)
        document, origins = openapi.read(), config.api.cors_origins
        uri = self.function.function.invoke_arn
        rest_api = aws.apigateway.RestApi(
            name,
            body=pulumi.Output.json_dumps(openapi.gateway_body(document, uri, origins)),
            description="Uploads for the media pipeline",
            endpoint_configuration=aws.apigateway.RestApiEndpointConfigurationArgs(types="REGIONAL"),
            opts=child,
        )
        # Changed routes go live only with a new deployment. Pulumi creates a replacement first, so the stage leaves
        # the old deployment before it is deleted.
        deployment = aws.apigateway.Deployment(
            f"{name}-deployment",
            rest_api=rest_api.id,
            triggers={"document": openapi.fingerprint(document, origins), "function": uri},
            opts=child,
        )
        log = AccessLog(
            f"{name}-access",
            AccessLogArgs(retention=config.retention.logs, caller=BY_KEY, key_arn=config.encryption.key_arn),
            pulumi.ResourceOptions(parent=self),
        )
        stage = aws.apigateway.Stage(
            f"{name}-stage",
            rest_api=rest_api.id,
            deployment=deployment.id,
            stage_name=config.stack,
            xray_tracing_enabled=config.tracing,
            access_log_settings=log.settings,
            opts=child,
        )
        self._account_throttle = log.throttle
        self._alarms(name, rest_api, stage)
        return stage

    def _key(self, name: str, stage: aws.apigateway.Stage) -> aws.apigateway.ApiKey:
        api, child = self._args.config.api, pulumi.ResourceOptions(parent=self)
        rate, burst, quota = _limits(api)
        plan = aws.apigateway.UsagePlan(
            f"{name}-plan",
            description=f"Uploads to the media pipeline {self._args.config.stack}",
            api_stages=[aws.apigateway.UsagePlanApiStageArgs(api_id=stage.rest_api, stage=stage.stage_name)],
            throttle_settings=aws.apigateway.UsagePlanThrottleSettingsArgs(
                rate_limit=rate, burst_limit=burst
            ),
            quota_settings=aws.apigateway.UsagePlanQuotaSettingsArgs(limit=quota, period="DAY"),
            opts=child,
        )
        key = aws.apigateway.ApiKey(
            f"{name}-key",
            description=f"Uploads to the media pipeline {self._args.config.stack}",
            opts=child,
        )
        aws.apigateway.UsagePlanKey(
            f"{name}-plan-key", key_id=key.id, key_type="API_KEY", usage_plan_id=plan.id, opts=child
        )
        return key

    def _allow_web_pages(self, name: str, stage: aws.apigateway.Stage) -> None:
        """Throttle preflight requests, which come without a key, so that no plan applies; allow forms to the bucket."""
        api, child = self._args.config.api, pulumi.ResourceOptions(parent=self)
        rate, burst, _ = _limits(api)
        aws.apigateway.MethodSettings(
            f"{name}-api-throttle",
            rest_api=stage.rest_api,
            stage_name=stage.stage_name,
            method_path="*/*",
            settings=pulumi.Output.all(self._account_throttle, 2 * rate, 2 * burst).apply(_within_account),
            opts=child,
        )
        aws.s3.BucketCorsConfiguration(
            f"{name}-uploads-cors",
            bucket=self._args.resources.storage.uploads.bucket.bucket,
            cors_rules=[
                aws.s3.BucketCorsConfigurationCorsRuleArgs(
                    id="forms",
                    allowed_methods=["POST"],
                    allowed_origins=list(api.cors_origins),
                    allowed_headers=["*"],
                    max_age_seconds=PREFLIGHT_SECONDS,
                )
            ],
            opts=child,
        )

    def _alarms(self, name: str, rest_api: aws.apigateway.RestApi, stage: aws.apigateway.Stage) -> None:
        def metric(metric_name: str, statistic: str = "Sum") -> Metric:
            dimensions = {"ApiName": rest_api.name, "Stage": stage.stage_name}
            return Metric(
                namespace="AWS/ApiGateway", name=metric_name, dimensions=dimensions, statistic=statistic
            )

        def share(what: str, errors: str, percent: int, periods: int, meaning: str, remedy: str) -> None:
            alarm(
                f"{name}-{what}",
                AlarmArgs(
                    meaning=meaning,
                    remedy=remedy,
                    metrics={"requests": metric("Count"), "errors": metric(errors)},
                    expression=f"IF(FILL(requests, 0) >= {LEAST_REQUESTS}, "
                    "100 * FILL(errors, 0) / FILL(requests, 0), 0)",
                    label=f"{errors}, percent",
                    threshold=percent,
                    periods=periods,
                    topic=self._args.platform.alarm_topic,
                ),
                pulumi.ResourceOptions(parent=self),
            )

        share(
            "server-errors",
            "5XXError",
            SERVER_ERROR_PERCENT,
            1,
            f"At least {SERVER_ERROR_PERCENT} % of the upload API's answers of five minutes were 5xx.",
            "Search upload-api's log for the request_id of an answer; if it is missing, the function was not "
            "reached: look at its throttles.",
        )
        share(
            "client-errors",
            "4XXError",
            CLIENT_ERROR_PERCENT,
            3,  # a client that asks for a status before its upload has arrived gets 404, and that passes
            f"For 15 minutes at least {CLIENT_ERROR_PERCENT} % of the upload API's answers were 4xx.",
            "Read upload-api's log: a client sends requests that are refused, a request has no valid key "
            "(403), or `api.rate`, `api.burst` or `api.quotaPerDay` are too low (429).",
        )
        alarm(
            f"{name}-latency",
            AlarmArgs(
                meaning=f"For 15 minutes one in a hundred requests to the upload API took "
                f"{SLOW_MILLISECONDS // 1000} s or more.",
                remedy="Read upload-api's traces: cold starts, large bodies over slow connections, or slow answers "
                "of S3 or DynamoDB.",
                metrics={"latency": metric("Latency", "p99")},
                threshold=SLOW_MILLISECONDS,
                periods=3,
                topic=self._args.platform.alarm_topic,
            ),
            pulumi.ResourceOptions(parent=self),
        )


def _within_account(found: list[Any]) -> aws.apigateway.MethodSettingsSettingsArgs:
    """Return a method's throttle: twice the key's, as each request of a page may come with a preflight request.

    At most the account's: API Gateway takes no more for a method (Developer Guide, "Throttle requests to REST APIs").
    """
    (account,), rate, burst = found
    return aws.apigateway.MethodSettingsSettingsArgs(
        throttling_rate_limit=min(rate, account["rate_limit"]),
        throttling_burst_limit=min(burst, account["burst_limit"]),
    )


def _limits(api: Api) -> tuple[int, int, int]:
    """Return requests per second, at once, and per day."""
    if api.rate is None or api.burst is None or api.quota_per_day is None:
        raise ValueError("api.enabled without its limits: config_checks prevents it")
    return api.rate, api.burst, api.quota_per_day
