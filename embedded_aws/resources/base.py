"""The base of every resource type's handler: strict inputs, names, defaults, tags, life cycle.

A handler is stateless but for its connection, so that two fronts can share it: the in-process deployer, and a
gRPC provider for the real engine (Check -> `check`, Diff -> `changed` and `replaces`, Create, Read, Update, Delete).
"""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from botocore.exceptions import ClientError
from pulumi import Archive

from embedded_aws.resources.archives import archive_identity
from embedded_aws.resources.sdk_schema import InputError, ResourceSchema, leaves, resource_schema, typed
from embedded_aws.resources.unknown import UNKNOWN

AUTONAME_SUFFIX_LENGTH = 7  # the real provider's; it draws them at random, here they follow from the URN

Inputs = dict[str, Any]
State = dict[str, Any]


class Aws(Protocol):
    """The connection that handlers speak through; `World` is one."""

    region: str
    account_id: str
    api_endpoint: str | None
    """Where deployed APIs are served, `http://127.0.0.1:<port>`; None where nobody serves them."""

    def client(self, service: str) -> Any:
        """Return a boto3 client of the service, with an administrator's credentials."""


class DeploymentRefusedError(Exception):
    """AWS, or the provider in front of it, would refuse this; the message is what the operator reads."""


class PartlyCreatedError(Exception):
    """The resource `id` exists, but a later step of its creation failed: it is to be kept in the state."""

    def __init__(self, id_: str, cause: Exception) -> None:
        super().__init__(str(cause))
        self.id = id_


@contextmanager
def completing(id_: str) -> Iterator[None]:
    """Turn a failure of the steps after the first into a PartlyCreatedError."""
    try:
        yield
    except (ClientError, DeploymentRefusedError) as error:
        raise PartlyCreatedError(id_, error) from error


@dataclass(frozen=True, kw_only=True)
class ProviderSettings:
    """What an `aws` provider resource (or the stack's `aws:` configuration) says for all of its resources."""

    region: str
    default_tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class AutoName:
    """Which input holds the physical name, and AWS's limit for it."""

    input: str
    max_length: int
    lower: bool = False
    exclusive: bool = True
    """Whether AWS takes a name only once, so that a replacement of the same name must wait until the old is gone."""


class Handler(ABC):
    """One resource type: strict inputs in, boto3 calls out.

    `create`, `update` and `delete` raise botocore's ClientError or DeploymentRefusedError, `create` also
    PartlyCreatedError; `read` returns None where the resource is gone.
    """

    type_name: ClassVar[str]
    """The type as in URNs, such as `aws:sqs/queue:Queue`."""
    resource: ClassVar[str]
    """The SDK's class, such as `sqs.Queue`."""
    carries: ClassVar[frozenset[str]]
    """Paths of the inputs that the handler carries out (`*`: the value as a whole). Others are refused."""
    replaces: ClassVar[frozenset[str]] = frozenset()
    """Top-level inputs whose change makes a new resource."""
    create_first: ClassVar[bool] = False
    """Whether an update may replace it, as the engine does: made anew, and the old one deleted at the end."""
    autoname: ClassVar[AutoName | None] = None
    defaults: ClassVar[Mapping[str, Any]] = {}
    """Inputs that the provider fills in where they are left out."""
    service: ClassVar[str]
    """boto3's name of the service that carries the type out."""
    removed_with: ClassVar[str | None] = None
    """The type whose removal removes these resources too; else `existing` lists them."""
    of_the_account: ClassVar[bool] = False
    """Whether there is one in every account, before and after any stack: it can only be looked up."""

    def __init__(self, aws: Aws) -> None:
        self.aws = aws

    @classmethod
    def schema(cls) -> ResourceSchema:
        """Return the SDK's types for this resource."""
        return resource_schema(cls.resource)

    @classmethod
    def existing(cls, aws: Aws) -> Iterator[str]:
        """Yield the ARN of everything of this type that exists, whoever made it.

        Needed of every type without `removed_with`, so that `find_leftovers` cannot overlook it.
        """
        raise NotImplementedError(f"{cls.type_name} has neither `existing` nor `removed_with`")

    def check(self, urn: str, inputs: Mapping[str, Any], provider: ProviderSettings) -> Inputs:
        """Return the inputs as AWS will get them: typed, defaults and name filled in, tags merged into `tagsAll`.

        Raises InputError where a name or type is not the SDK's, or the embedded AWS does not carry it out.
        """
        schema = self.schema()
        name = urn.rsplit("::", 1)[-1]
        checked = typed(schema, name, inputs)
        unsupported = sorted({path for path in leaves(checked) if not self._carried(path)})
        if unsupported:
            raise InputError(
                schema.token,
                name,
                [f"input {path!r} is not carried out by the embedded AWS" for path in unsupported],
            )
        for key, value in self.defaults.items():
            checked.setdefault(key, value)
        if self.autoname is not None and not checked.get(self.autoname.input):
            checked[self.autoname.input] = self.make_name(urn)
        if schema.taggable:
            tags = checked.get("tags", {})
            checked["tagsAll"] = UNKNOWN if tags is UNKNOWN else {**provider.default_tags, **tags}
        return checked

    def changed(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> frozenset[str]:
        """Return the top-level inputs that differ; those in `replaces` replace the resource. Archives: by content."""
        return frozenset(
            key for key in old.keys() | new.keys() if _comparable(old.get(key)) != _comparable(new.get(key))
        )

    @abstractmethod
    def create(self, inputs: Inputs) -> str:
        """Create the resource; returns its physical id."""

    @abstractmethod
    def read(self, id_: str) -> State | None:
        """Return the resource as AWS shows it, in the SDK's output names; None where it is gone."""

    @abstractmethod
    def update(self, id_: str, old: Inputs, new: Inputs) -> None:
        """Bring the resource from `old` to `new` in place."""

    @abstractmethod
    def delete(self, id_: str, state: State) -> None:
        """Delete the resource; one that is gone already is not an error."""

    def _carried(self, path: str) -> bool:
        if path in self.carries:
            return True
        parts = path.split(".")
        return any(".".join([*parts[:length], "*"]) in self.carries for length in range(1, len(parts) + 1))

    def make_name(self, urn: str, seed: bytes = b"") -> str:
        """Return the physical name of a resource that gives none; another `seed` gives another name.

        Raises DeploymentRefusedError where it is longer than AWS allows.
        """
        if self.autoname is None:
            raise TypeError(f"{self.schema().token} is not given a name by Pulumi")
        name = urn.rsplit("::", 1)[-1]
        suffix = hashlib.sha256(urn.encode() + seed).hexdigest()[:AUTONAME_SUFFIX_LENGTH]
        made = f"{name.lower() if self.autoname.lower else name}-{suffix}"
        if len(made) > self.autoname.max_length:
            raise DeploymentRefusedError(
                f"{self.schema().token} {name!r}: the name {made!r} has {len(made)} characters, "
                f"AWS allows {self.autoname.max_length}: shorten the resource's name"
            )
        return made


def _comparable(value: Any) -> Any:
    return archive_identity(value) if isinstance(value, Archive) else value


def pages(aws: Aws, service: str, operation: str, key: str, **arguments: Any) -> Iterator[Any]:
    """Yield the entries of a listing, page by page where it has pages."""
    client = aws.client(service)
    if client.can_paginate(operation):
        for page in client.get_paginator(operation).paginate(**arguments):
            yield from page.get(key, [])
    else:
        yield from getattr(client, operation)(**arguments).get(key, [])


def as_tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags as most services want them, sorted so that equal tags are equal requests."""
    return [{"Key": key, "Value": tags[key]} for key in sorted(tags)]


def from_tag_list(tags: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return the inverse of `as_tag_list`."""
    return {tag["Key"]: tag["Value"] for tag in tags}


def tag_changes(old: Inputs, new: Inputs) -> tuple[dict[str, str], list[str]]:
    """Return tags to set and tag keys to remove between two sets of checked inputs."""
    before, after = old.get("tagsAll", {}), new.get("tagsAll", {})
    changed = {key: value for key, value in after.items() if before.get(key) != value}
    return changed, sorted(set(before) - set(after))


def policy_text(value: Any, what: str) -> str:
    """Return a policy, given as JSON text or as a structure, as text; raises DeploymentRefusedError for bad JSON."""
    if isinstance(value, str):
        json_document(value, what)
        return value
    return json.dumps(value)


def json_document(text: str, what: str) -> Any:
    """Parse a JSON input; raises DeploymentRefusedError naming it where it is not JSON."""
    try:
        return json.loads(text)
    except ValueError as error:
        raise DeploymentRefusedError(f"{what} is not valid JSON: {error}") from error


def capitalised(value: Any) -> Any:
    """Return camelCase keys as AWS's APIs spell most of them: `prefix` -> `Prefix`, at every depth."""
    if isinstance(value, Mapping):
        return {f"{key[0].upper()}{key[1:]}": capitalised(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [capitalised(inner) for inner in value]
    return value
