"""The embedded AWS: moto in this process behind a server on loopback, with nothing of the machine's AWS set-up.

    with World(region="eu-central-1") as world:
        world.client("s3").create_bucket(...)

One world per process at a time, since moto's state is the process's; each world starts empty.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from embedded_aws import profiles
from embedded_aws.access.actions import Need
from embedded_aws.access.enforcement import Enforcer
from embedded_aws.access.log import AccessLog
from embedded_aws.access.policies import trusts_service
from embedded_aws.isolation import (
    ACCOUNT_ID,
    ADMIN_ACCESS_KEY_ID,
    ADMIN_SECRET_ACCESS_KEY,
    Isolation,
    sdk_environment,
    without_aws,
)
from embedded_aws.metrics import queues as queue_metrics
from embedded_aws.metrics.recorder import Metrics

if TYPE_CHECKING:
    from embedded_aws.moto_hooks.function_invocations import Acceptor, Runner

DEFAULT_REGION = "eu-central-1"
_CALL_TIMEOUT = 30  # seconds; nothing on loopback takes longer than a large upload's few


class WorldError(RuntimeError):
    """The embedded AWS is used in a way that cannot work."""


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """Keys for requests to the world; those of a role carry a session token and are judged by IAM."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class FunctionPackage:
    """What Lambda would run: the deployed bytes and the function's configuration as GetFunctionConfiguration."""

    name: str
    code: bytes
    layers: tuple[bytes, ...]
    configuration: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class QueueMapping:
    """An event source mapping from a queue to a function (`name`, or `name:version`); durations in seconds."""

    uuid: str
    queue_url: str
    queue_arn: str
    function_name: str
    enabled: bool
    batch_size: int
    batching_window: int
    maximum_concurrency: int | None
    reports_item_failures: bool


class World:
    """Context manager around moto: `AWS_*` put aside, server on a free port, patches applied, state empty.

    Requests with `admin` credentials may do anything; requests with a role's credentials (`assume_role`) only
    what the role's policies allow. `profile` is a name of `embedded_aws.profiles`: how the account behaves. Raises
    WorldError where another world is open in this process, ValueError for an unknown profile.
    """

    _one = threading.Lock()

    def __init__(self, *, region: str = DEFAULT_REGION, profile: str = profiles.USUAL.name) -> None:
        self.region = region
        self.profile = profile
        self.account_id = ACCOUNT_ID
        self.api_endpoint: str | None = None  # set by `embedded_aws.api_gateway`
        self.sign_in_endpoint: str | None = None  # set by `embedded_aws.sign_in`
        self.webhooks_endpoint: str | None = None  # set by `embedded_aws.runtime.webhooks`
        self.edge_endpoint: str | None = None  # set by `embedded_aws.edge`
        self.admin = Credentials(access_key_id=ADMIN_ACCESS_KEY_ID, secret_access_key=ADMIN_SECRET_ACCESS_KEY)
        self.metrics = Metrics(lambda: self.client("cloudwatch"))
        self._enforcer = Enforcer()
        self._isolation = Isolation()
        self._clients: dict[tuple[str, Credentials], Any] = {}
        self._clients_lock = threading.Lock()
        self._server: Any = None
        self._entered = False

    def __enter__(self) -> Self:
        if not World._one.acquire(blocking=False):
            raise WorldError("a world is open already in this process: moto's state is one per process")
        self._entered = True
        try:
            self._isolation.begin()
            from embedded_aws import constraints, profile_behaviour, refusals
            from embedded_aws.moto_setup import fit_moto
            from embedded_aws.server import Server

            profiles.activate(self.profile)
            fit_moto()
            _empty_moto()
            self._server = Server(
                judges=(
                    self._enforcer.authorize,
                    refusals.judge,
                    constraints.judge,
                    profile_behaviour.judge,
                )
            )
            self._isolation.point_at(sdk_environment(endpoint_url=self.endpoint_url, region=self.region))
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the server, forget everything, and restore the process's environment. A second call does nothing."""
        if not self._entered:
            return
        self._entered = False
        try:
            if self._server is not None:
                self._server.close()
                _empty_moto()
        finally:
            self._server = None
            self._clients.clear()
            profiles.activate(profiles.USUAL.name)
            self._isolation.end()
            World._one.release()

    @property
    def endpoint_url(self) -> str:
        """Return `http://127.0.0.1:<port>`, the endpoint of every service."""
        if self._server is None:
            raise WorldError("the world is not open")
        url: str = self._server.url
        return url

    def client(self, service: str, credentials: Credentials | None = None) -> Any:
        """Return the botocore client of a service; an administrator's unless other credentials are given.

        Clients are thread-safe and kept, since making one takes some 30 ms. One attempt per call: what fails on
        loopback fails again.
        """
        who = credentials or self.admin
        with self._clients_lock:
            client = self._clients.get((service, who))
            if client is None:
                client = self._make_client(service, who)
                self._clients[service, who] = client
        return client

    def _make_client(self, service: str, credentials: Credentials) -> Any:
        from botocore.config import Config

        config = Config(
            retries={"total_max_attempts": 1},
            proxies={},
            read_timeout=_CALL_TIMEOUT,
            connect_timeout=5,
            max_pool_connections=32,
            account_id_endpoint_mode="disabled",
        )
        return _sdk_session().create_client(
            service,
            region_name=self.region,
            endpoint_url=self.endpoint_url,
            aws_access_key_id=credentials.access_key_id,
            aws_secret_access_key=credentials.secret_access_key,
            aws_session_token=credentials.session_token,
            config=config,
        )

    def environment(self, credentials: Credentials | None = None) -> dict[str, str]:
        """Return the `AWS_*` variables (and `NO_PROXY`) that connect a child process to this world only."""
        who = credentials or self.admin
        return sdk_environment(
            endpoint_url=self.endpoint_url,
            region=self.region,
            access_key_id=who.access_key_id,
            secret_access_key=who.secret_access_key,
            session_token=who.session_token,
        )

    @staticmethod
    def clean(environment: Mapping[str, str]) -> dict[str, str]:
        """Return an environment without anything that AWS's SDKs read: the base for a child process."""
        return without_aws(environment)

    def assume_role(
        self, role_arn: str, *, session_name: str = "function", service: str = "lambda"
    ) -> Credentials:
        """Return temporary credentials of a role, as Lambda gets them for a function, or another service.

        Raises WorldError where the role does not exist or does not trust the service (AWS: "The role defined for the
        function cannot be assumed by Lambda.").
        """
        role_name = role_arn.rsplit("/", 1)[-1]
        iam = self.client("iam")
        try:
            trust = iam.get_role(RoleName=role_name)["Role"]["AssumeRolePolicyDocument"]
        except iam.exceptions.NoSuchEntityException as error:
            raise WorldError(f"the role {role_arn} does not exist") from error
        context = {"aws:sourceaccount": self.account_id}
        if not trusts_service(trust, f"{service}.amazonaws.com", context):
            raise WorldError(
                f"the role {role_arn} cannot be assumed by {service.capitalize()}: its trust policy says {trust}"
            )
        issued = self.client("sts").assume_role(RoleArn=role_arn, RoleSessionName=session_name[:64])
        keys = issued["Credentials"]
        return Credentials(
            access_key_id=keys["AccessKeyId"],
            secret_access_key=keys["SecretAccessKey"],
            session_token=keys["SessionToken"],
        )

    @property
    def access_log(self) -> AccessLog:
        """Return what roles were allowed and denied."""
        return self._enforcer.log

    def granted_but_unused(self, role_name: str) -> list[Need]:
        """Return the pairs of action and resource that a role's inline policies grant and that nothing used so far."""
        iam = self.client("iam")
        names = iam.list_role_policies(RoleName=role_name)["PolicyNames"]
        documents = [
            iam.get_role_policy(RoleName=role_name, PolicyName=name)["PolicyDocument"] for name in names
        ]
        return self.access_log.unused(role_name, documents)

    def expire_object(self, bucket: str, key: str) -> None:
        """Do what a lifecycle rule does to a current object: it sends no ObjectRemoved event.

        Raises KeyError where there is no such object.
        """
        from embedded_aws.moto_lock import MOTO_LOCK
        from embedded_aws.s3.events import expire_object

        with MOTO_LOCK.held():
            expire_object(self.account_id, bucket, key)

    def oldest_message_age(self, queue_url: str, now: float) -> float:
        """Return a queue's ApproximateAgeOfOldestMessage in seconds, as CloudWatch would show it at `now`.

        Raises KeyError where there is no such queue.
        """
        from moto.sqs.models import sqs_backends

        from embedded_aws.moto_lock import MOTO_LOCK
        from embedded_aws.queue_age import oldest_message_age

        with MOTO_LOCK.held():
            queue = sqs_backends[self.account_id][self.region].queues[queue_url.rsplit("/", 1)[-1]]
            return oldest_message_age(queue._messages, now)

    def publish_metrics(self) -> None:
        """Put to CloudWatch what services and functions published so far, and the state of the queues."""
        queue_metrics.sample(self.metrics, self.account_id, self.region)
        self.metrics.flush()

    def let_time_pass(self, seconds: float) -> None:
        """Put CloudWatch's and SQS's clocks forward: messages grow older, and return sooner.

        Functions and records keep the machine's time.
        """
        self.metrics.flush()
        self.metrics.advance(seconds)
        queue_metrics.make_older(self.account_id, self.region, seconds)

    def evaluate_alarms(self) -> dict[str, str]:
        """Do what CloudWatch does at the end of each period; return the state of every alarm by name."""
        from embedded_aws.metrics.alarms import Alarms

        self.metrics.flush()
        return Alarms(self.client("cloudwatch"), self.account_id, self.region).evaluate(self.metrics.now())

    def function_package(self, name: str) -> FunctionPackage:
        """Return the deployed zip of a function, its layers' zips in order, its configuration.

        `name` may end in a qualifier (`name:3`): that version then, as it was frozen. A layer version that was
        deleted goes on working where it is in use, as on AWS. The bytes come from moto's backend: `Code.Location`
        of GetFunction leads nowhere. Raises WorldError where there is no such function.
        """
        from embedded_aws.moto_hooks.deleted_layers import layer_bytes

        backend = self._lambda_backend()
        client = self.client("lambda")
        try:
            configuration = client.get_function_configuration(FunctionName=name)
        except client.exceptions.ResourceNotFoundException as error:
            raise WorldError(f"there is no function {name}") from error
        layers = []
        for layer in configuration.get("Layers", []):
            data = layer_bytes(backend, layer["Arn"])
            if data is None:
                raise WorldError(f"{name} needs the layer version {layer['Arn']}, which never existed")
            layers.append(data)
        code = backend.get_function(name).code_bytes
        plain = str(configuration["FunctionName"])
        return FunctionPackage(name=plain, code=code, layers=tuple(layers), configuration=configuration)

    def carry_out_invocations(self, runner: "Runner", acceptor: "Acceptor") -> Callable[[], None]:
        """Let `runner` carry out Lambda's Invoke, and `acceptor` take asynchronous events; returns what ends that."""
        from embedded_aws.moto_hooks.function_invocations import carry_out

        return carry_out(runner, acceptor)

    def mappings(self) -> list[QueueMapping]:
        """Return all event source mappings from queues, enabled or not, in order of creation."""
        sqs = self.client("sqs")
        listed = self.client("lambda").list_event_source_mappings()["EventSourceMappings"]
        return [
            QueueMapping(
                uuid=mapping["UUID"],
                queue_url=sqs.get_queue_url(QueueName=mapping["EventSourceArn"].rsplit(":", 1)[-1])[
                    "QueueUrl"
                ],
                queue_arn=mapping["EventSourceArn"],
                function_name=":".join(mapping["FunctionArn"].split(":")[6:]),
                enabled=mapping["State"] == "Enabled",
                batch_size=mapping["BatchSize"],
                batching_window=mapping.get("MaximumBatchingWindowInSeconds", 0),
                maximum_concurrency=mapping.get("ScalingConfig", {}).get("MaximumConcurrency"),
                reports_item_failures="ReportBatchItemFailures" in mapping.get("FunctionResponseTypes", []),
            )
            for mapping in listed
            if mapping["EventSourceArn"].split(":")[2] == "sqs"
        ]

    def _lambda_backend(self) -> Any:
        from moto.awslambda.utils import get_backend

        return get_backend(self.account_id, self.region)


@cache
def _sdk_session() -> Any:
    """Return one session for all worlds of the process: it keeps the services' models, which take long to load."""
    import botocore.session

    return botocore.session.Session()


def _empty_moto() -> None:
    from moto.core.base_backend import BackendDict
    from moto.core.config import default_user_config

    default_user_config["lambda"] = {"use_docker": False}
    BackendDict.reset()
