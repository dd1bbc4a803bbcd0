"""A world with an edge and a clock of its own, and what it delivers: one distribution for each test."""

import itertools
import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from embedded_aws.edge.http_front import EdgeFront
from embedded_aws.world import World

INVALIDATION_SECONDS = 5.0
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_numbers = itertools.count()


@dataclass
class Clock:
    """A clock that only tests move; in seconds."""

    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Answer:
    """What a reader got; the names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def result(self) -> str:
        """Return what the edge did: `Hit`, `Miss`, `RefreshHit`, `Error`."""
        return self.headers["x-cache"].partition(" ")[0]


def ask(address: str, *, method: str = "GET", **headers: str) -> Answer:
    """Send a request as a reader does; `_` in the name of a header stands for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(address, method=method, headers=named)  # noqa: S310 - of the edge, on loopback
    try:
        answer = _OPENER.open(request, timeout=10)
    except urllib.error.HTTPError as refused:
        answer = refused
    with answer:
        lower = {name.lower(): value for name, value in answer.headers.items()}
        return Answer(answer.status, lower, answer.read())


@dataclass
class Delivery:
    """A distribution over a bucket of its own."""

    world: World
    clock: Clock
    bucket: str
    id: str = ""
    domain: str = ""
    batches: Iterator[int] = field(default_factory=itertools.count)

    @property
    def url(self) -> str:
        """Return where the distribution is on this machine."""
        return f"{self.world.edge_endpoint}/{self.domain}"

    def put(self, key: str, body: bytes, **more: Any) -> None:
        self.world.client("s3").put_object(Bucket=self.bucket, Key=key, Body=body, **more)

    def delete(self, key: str) -> None:
        self.world.client("s3").delete_object(Bucket=self.bucket, Key=key)

    def get(self, path: str, **headers: str) -> Answer:
        return ask(f"{self.url}/{path}", **headers)

    def invalidate(self, *paths: str) -> str:
        """Ask for an invalidation; return its id."""
        made = self.world.client("cloudfront").create_invalidation(
            DistributionId=self.id,
            InvalidationBatch={
                "CallerReference": str(next(self.batches)),
                "Paths": {"Quantity": len(paths), "Items": list(paths)},
            },
        )
        return str(made["Invalidation"]["Id"])

    def allow(self, source: str | None = None, actions: tuple[str, ...] = ("s3:GetObject",)) -> None:
        """Give the bucket the policy that lets one distribution read, this one unless `source` names another."""
        arn = f"arn:aws:cloudfront::{self.world.account_id}:distribution/{source or self.id}"
        named = f"arn:aws:s3:::{self.bucket}"
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "cloudfront.amazonaws.com"},
            "Action": list(actions),
            "Resource": [named, f"{named}/*"],
            "Condition": {"StringEquals": {"aws:SourceArn": arn}},
        }
        document = {"Version": "2012-10-17", "Statement": [statement]}
        self.world.client("s3").put_bucket_policy(Bucket=self.bucket, Policy=json.dumps(document))


@dataclass(frozen=True)
class Site:
    """What makes distributions in one world."""

    world: World
    clock: Clock

    def make(
        self,
        *,
        lifetimes: tuple[int, int, int] = (0, 600, 3600),
        headers: Mapping[str, str] | None = None,
        control: str = "always",
        keys: Mapping[str, str] | None = None,
        aliases: tuple[str, ...] = (),
        queries: str = "none",
    ) -> Delivery:
        """Create a distribution that may read its bucket; `lifetimes` are the least, usual and longest seconds."""
        number = next(_numbers)
        bucket = f"files-{number}"
        self.world.client("s3").create_bucket(
            Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": self.world.region}
        )
        made = Delivery(self.world, self.clock, bucket)
        cloudfront: Any = self.world.client("cloudfront")
        least, usual, most = lifetimes
        cache = cloudfront.create_cache_policy(
            CachePolicyConfig={
                "Name": f"cache-{number}",
                "MinTTL": least,
                "DefaultTTL": usual,
                "MaxTTL": most,
                "ParametersInCacheKeyAndForwardedToOrigin": {
                    "EnableAcceptEncodingGzip": False,
                    "CookiesConfig": {"CookieBehavior": "none"},
                    "HeadersConfig": {"HeaderBehavior": "none"},
                    "QueryStringsConfig": {"QueryStringBehavior": queries},
                },
            }
        )["CachePolicy"]["Id"]
        access = cloudfront.create_origin_access_control(
            OriginAccessControlConfig={
                "Name": f"access-{number}",
                "OriginAccessControlOriginType": "s3",
                "SigningBehavior": control,
                "SigningProtocol": "sigv4",
            }
        )["OriginAccessControl"]["Id"]
        behaviour = {
            "TargetOriginId": "files",
            "ViewerProtocolPolicy": "https-only",
            "CachePolicyId": cache,
            "ResponseHeadersPolicyId": self._headers(number, headers or {}),
            "TrustedKeyGroups": self._group(number, keys),
        }
        origin = {
            "Id": "files",
            "DomainName": f"{bucket}.s3.{self.world.region}.amazonaws.com",
            "OriginAccessControlId": access,
            "S3OriginConfig": {"OriginAccessIdentity": ""},
        }
        created = cloudfront.create_distribution(
            DistributionConfig={
                "CallerReference": str(number),
                "Comment": "",
                "Enabled": True,
                "Aliases": {"Quantity": len(aliases), "Items": list(aliases)},
                "Origins": {"Quantity": 1, "Items": [origin]},
                "DefaultCacheBehavior": behaviour,
            }
        )["Distribution"]
        made.id, made.domain = created["Id"], created["DomainName"]
        made.allow()
        return made

    def _headers(self, number: int, headers: Mapping[str, str]) -> str:
        items = [{"Header": name, "Value": value, "Override": True} for name, value in headers.items()]
        made = self.world.client("cloudfront").create_response_headers_policy(
            ResponseHeadersPolicyConfig={
                "Name": f"headers-{number}",
                "CustomHeadersConfig": {"Quantity": len(items), "Items": items},
                "SecurityHeadersConfig": {
                    "ContentTypeOptions": {"Override": True},
                    "StrictTransportSecurity": {"Override": True, "AccessControlMaxAgeSec": 60},
                },
            }
        )
        return str(made["ResponseHeadersPolicy"]["Id"])

    def _group(self, number: int, keys: Mapping[str, str] | None) -> dict[str, Any]:
        """Create the keys (PEMs by names) and their group."""
        if keys is None:
            return {"Enabled": False, "Quantity": 0}
        cloudfront: Any = self.world.client("cloudfront")
        ids = [
            cloudfront.create_public_key(
                PublicKeyConfig={"CallerReference": name, "Name": name, "EncodedKey": pem}
            )["PublicKey"]["Id"]
            for name, pem in keys.items()
        ]
        group = cloudfront.create_key_group(KeyGroupConfig={"Name": f"group-{number}", "Items": ids})
        return {"Enabled": True, "Quantity": 1, "Items": [group["KeyGroup"]["Id"]]}


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    clock = Clock()
    with World() as world, EdgeFront(world, clock=clock, invalidation_seconds=INVALIDATION_SECONDS):
        yield Site(world, clock)


@pytest.fixture
def delivery(site: Site) -> Delivery:
    return site.make()
