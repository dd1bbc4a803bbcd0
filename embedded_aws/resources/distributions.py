"""CloudFront: distributions, how they get at a bucket, their policies, and the keys of signed addresses."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from embedded_aws.resources.base import (
    AutoName,
    Aws,
    Handler,
    Inputs,
    State,
    as_tag_list,
    capitalised,
    from_tag_list,
    tag_changes,
)

_HOSTED_ZONE = (
    "Z2FDTNDATAQYW2"  # of every distribution (CloudFront Developer Guide, "Values for alias records")
)
_ABSENT = ("NoSuch", "404")


class CloudFrontHandler(Handler):
    """What the resources of CloudFront have in common: an id of AWS's, and a version that a change must name."""

    service = "cloudfront"
    kind: ClassVar[str]
    """As operations name it, such as `KeyGroup`."""
    snake: ClassVar[str]
    """The same in names of the SDK's methods, such as `key_group`."""
    listing: ClassVar[str]
    """The method that lists all of the kind."""
    list_arguments: ClassVar[Mapping[str, str]] = {}
    create_first = True

    @property
    def cloudfront(self) -> Any:
        """Return the client."""
        return self.aws.client("cloudfront")

    @classmethod
    def existing(cls, aws: Aws) -> Iterator[str]:
        """Yield all of this kind."""
        client = aws.client("cloudfront")
        listed = getattr(client, cls.listing)(**cls.list_arguments)[f"{cls.kind}List"].get("Items") or ()
        for entry in listed:
            id_ = entry[cls.kind]["Id"] if cls.kind in entry else entry["Id"]
            yield f"arn:aws:cloudfront::{aws.account_id}:{cls.snake.replace('_', '-')}/{id_}"

    @abstractmethod
    def config(self, inputs: Inputs) -> dict[str, Any]:
        """Return the kind's configuration as its operations want it."""

    def shown(self, found: Mapping[str, Any]) -> State:
        """Return what the resource shows besides its id and etag."""
        return {"name": found[f"{self.kind}Config"]["Name"]}

    def create(self, inputs: Inputs) -> str:
        """Create it."""
        create = getattr(self.cloudfront, f"create_{self.snake}")
        return str(create(**{f"{self.kind}Config": self.config(inputs)})[self.kind]["Id"])

    def read(self, id_: str) -> State | None:
        """Return None where it is gone."""
        found = self._found(id_)
        if found is None:
            return None
        return {"id": id_, "etag": found["ETag"], **self.shown(found[self.kind])}

    def update(self, id_: str, old: Inputs, new: Inputs) -> None:
        """Replace the configuration as a whole."""
        update = getattr(self.cloudfront, f"update_{self.snake}")
        update(Id=id_, IfMatch=self._version(id_), **{f"{self.kind}Config": self.config(new)})

    def delete(self, id_: str, state: State) -> None:
        """Delete it; one that is gone is not an error."""
        if (found := self._found(id_)) is not None:
            getattr(self.cloudfront, f"delete_{self.snake}")(Id=id_, IfMatch=found["ETag"])

    def _found(self, id_: str) -> dict[str, Any] | None:
        try:
            answer: dict[str, Any] = getattr(self.cloudfront, f"get_{self.snake}")(Id=id_)
        except ClientError as error:
            if error.response["Error"]["Code"].startswith(_ABSENT):
                return None
            raise
        return answer

    def _version(self, id_: str) -> str:
        found = self._found(id_)
        return str(found["ETag"]) if found else ""


class OriginAccessControl(CloudFrontHandler):
    """How CloudFront signs its requests to a bucket."""

    type_name = "aws:cloudfront/originAccessControl:OriginAccessControl"
    resource = "cloudfront.OriginAccessControl"
    kind, snake, listing = "OriginAccessControl", "origin_access_control", "list_origin_access_controls"
    _plain: ClassVar[Mapping[str, str]] = {
        "name": "Name",
        "description": "Description",
        "originAccessControlOriginType": "OriginAccessControlOriginType",
        "signingBehavior": "SigningBehavior",
        "signingProtocol": "SigningProtocol",
    }
    carries = frozenset(_plain)
    autoname = AutoName(input="name", max_length=64)
    defaults: ClassVar[Mapping[str, Any]] = {"description": "Managed by Pulumi"}

    def config(self, inputs: Inputs) -> dict[str, Any]:
        """Return it in AWS's names."""
        return {key: inputs[name] for name, key in self._plain.items()}


class CachePolicy(CloudFrontHandler):
    """What an object is kept by, and for how long."""

    type_name = "aws:cloudfront/cachePolicy:CachePolicy"
    resource = "cloudfront.CachePolicy"
    kind, snake, listing = "CachePolicy", "cache_policy", "list_cache_policies"
    list_arguments: ClassVar[Mapping[str, str]] = {"Type": "custom"}
    carries = frozenset(
        {
            *("name", "comment", "defaultTtl", "maxTtl", "minTtl"),
            *(
                f"parametersInCacheKeyAndForwardedToOrigin.{name}"
                for name in (
                    "cookiesConfig.cookieBehavior",
                    "headersConfig.headerBehavior",
                    "queryStringsConfig.queryStringBehavior",
                    "enableAcceptEncodingBrotli",
                    "enableAcceptEncodingGzip",
                )
            ),
        }
    )
    autoname = AutoName(input="name", max_length=128)
    defaults: ClassVar[Mapping[str, Any]] = {"comment": "Managed by Pulumi"}

    def config(self, inputs: Inputs) -> dict[str, Any]:
        """Return it in AWS's names."""
        key = "parametersInCacheKeyAndForwardedToOrigin"
        return {
            "Name": inputs["name"],
            "Comment": inputs["comment"],
            "MinTTL": inputs.get("minTtl", 0),
            **{
                name: inputs[given]
                for given, name in (("defaultTtl", "DefaultTTL"), ("maxTtl", "MaxTTL"))
                if given in inputs
            },
            "ParametersInCacheKeyAndForwardedToOrigin": capitalised(inputs[key]),
        }


class ResponseHeadersPolicy(CloudFrontHandler):
    """Which headers are added to answers."""

    type_name = "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy"
    resource = "cloudfront.ResponseHeadersPolicy"
    kind, snake = "ResponseHeadersPolicy", "response_headers_policy"
    listing = "list_response_headers_policies"
    list_arguments: ClassVar[Mapping[str, str]] = {"Type": "custom"}
    carries = frozenset(
        {
            *("name", "comment"),
            *(f"customHeadersConfig.items.{name}" for name in ("header", "value", "override")),
            "securityHeadersConfig.contentTypeOptions.override",
            "securityHeadersConfig.strictTransportSecurity.accessControlMaxAgeSec",
            "securityHeadersConfig.strictTransportSecurity.override",
        }
    )
    autoname = AutoName(input="name", max_length=128)
    defaults: ClassVar[Mapping[str, Any]] = {"comment": "Managed by Pulumi"}

    def config(self, inputs: Inputs) -> dict[str, Any]:
        """Return it in AWS's names."""
        items = inputs.get("customHeadersConfig", {}).get("items", [])
        return {
            "Name": inputs["name"],
            "Comment": inputs["comment"],
            "CustomHeadersConfig": {"Quantity": len(items), "Items": capitalised(items)},
            "SecurityHeadersConfig": capitalised(inputs.get("securityHeadersConfig", {})),
        }


class PublicKey(CloudFrontHandler):
    """A key that signed addresses are verified with."""

    type_name = "aws:cloudfront/publicKey:PublicKey"
    resource = "cloudfront.PublicKey"
    kind, snake, listing = "PublicKey", "public_key", "list_public_keys"
    carries = frozenset({"name", "comment", "encodedKey"})
    replaces = carries
    autoname = AutoName(input="name", max_length=128)
    defaults: ClassVar[Mapping[str, Any]] = {"comment": "Managed by Pulumi"}

    def config(self, inputs: Inputs) -> dict[str, Any]:
        """Return it in AWS's names."""
        return {
            "CallerReference": inputs["name"],
            "Name": inputs["name"],
            "EncodedKey": inputs["encodedKey"],
            "Comment": inputs["comment"],
        }

    def update(self, id_: str, old: Inputs, new: Inputs) -> None:
        """Change nothing: each of its inputs makes a new key."""

    def _found(self, id_: str) -> dict[str, Any] | None:
        # moto fails on a key that is not there.
        known = self.cloudfront.list_public_keys()["PublicKeyList"].get("Items") or ()
        return super()._found(id_) if any(key["Id"] == id_ for key in known) else None


class KeyGroup(CloudFrontHandler):
    """Keys of which one must have signed an address."""

    type_name = "aws:cloudfront/keyGroup:KeyGroup"
    resource = "cloudfront.KeyGroup"
    kind, snake, listing = "KeyGroup", "key_group", "list_key_groups"
    carries = frozenset({"name", "comment", "items"})
    autoname = AutoName(input="name", max_length=128)
    defaults: ClassVar[Mapping[str, Any]] = {"comment": "Managed by Pulumi"}

    def config(self, inputs: Inputs) -> dict[str, Any]:
        """Return it in AWS's names."""
        return {"Name": inputs["name"], "Items": inputs["items"], "Comment": inputs["comment"]}

    def _found(self, id_: str) -> dict[str, Any] | None:
        # moto fails on a group that is not there.
        known = self.cloudfront.list_key_groups()["KeyGroupList"].get("Items") or ()
        return super()._found(id_) if any(group["KeyGroup"]["Id"] == id_ for group in known) else None


class Distribution(CloudFrontHandler):
    """A distribution with one bucket behind it."""

    type_name = "aws:cloudfront/distribution:Distribution"
    resource = "cloudfront.Distribution"
    kind, snake, listing = "Distribution", "distribution", "list_distributions"
    carries = frozenset(
        {
            *("enabled", "comment", "aliases", "priceClass", "httpVersion", "isIpv6Enabled", "tags.*"),
            *(f"origins.{name}" for name in ("originId", "domainName", "originAccessControlId")),
            *(
                f"defaultCacheBehavior.{name}"
                for name in (
                    *("targetOriginId", "viewerProtocolPolicy", "allowedMethods", "cachedMethods"),
                    *("compress", "cachePolicyId", "responseHeadersPolicyId", "trustedKeyGroups"),
                )
            ),
            *(
                f"viewerCertificate.{name}"
                for name in (
                    *("cloudfrontDefaultCertificate", "acmCertificateArn"),
                    *("sslSupportMethod", "minimumProtocolVersion"),
                )
            ),
            "restrictions.geoRestriction.restrictionType",
        }
    )
    create_first = False

    def create(self, inputs: Inputs) -> str:
        """Create it with its tags."""
        tagged = {"Items": as_tag_list(inputs.get("tagsAll", {}))}
        made = self.cloudfront.create_distribution_with_tags(
            DistributionConfigWithTags={"DistributionConfig": self.config(inputs), "Tags": tagged}
        )
        return str(made["Distribution"]["Id"])

    def update(self, id_: str, old: Inputs, new: Inputs) -> None:
        """Replace the configuration, which keeps the reference that it was created with; bring tags up to date."""
        self._put(id_, self.config(new))
        changed, removed = tag_changes(old, new)
        arn = f"arn:aws:cloudfront::{self.aws.account_id}:distribution/{id_}"
        if changed:
            self.cloudfront.tag_resource(Resource=arn, Tags={"Items": as_tag_list(changed)})
        if removed:
            self.cloudfront.untag_resource(Resource=arn, TagKeys={"Items": removed})

    def delete(self, id_: str, state: State) -> None:
        """Disable it, then delete it: CloudFront deletes none that is enabled."""
        found = self._found(id_)
        if found is None:
            return
        config = found["Distribution"]["DistributionConfig"]
        if config["Enabled"]:
            self._put(id_, {**config, "Enabled": False})
        self.cloudfront.delete_distribution(Id=id_, IfMatch=self._version(id_))

    def shown(self, found: Mapping[str, Any]) -> State:
        """Return what others refer to, and the tags."""
        tags = self.cloudfront.list_tags_for_resource(Resource=found["ARN"])["Tags"].get("Items") or ()
        return {
            "tagsAll": from_tag_list(tags),
            "arn": found["ARN"],
            "domainName": found["DomainName"],
            "hostedZoneId": _HOSTED_ZONE,
            "status": found["Status"],
        }

    def config(self, inputs: Inputs) -> dict[str, Any]:
        """Return it in AWS's names."""
        aliases = inputs.get("aliases", [])
        return {
            "CallerReference": _reference(inputs),
            "Aliases": {"Quantity": len(aliases), "Items": aliases},
            "Comment": inputs.get("comment", ""),
            "Enabled": inputs["enabled"],
            "HttpVersion": inputs.get("httpVersion", "http2"),
            "IsIPV6Enabled": inputs.get("isIpv6Enabled", False),
            "PriceClass": inputs.get("priceClass", "PriceClass_All"),
            "Origins": {
                "Quantity": len(inputs["origins"]),
                "Items": [
                    {
                        "Id": origin["originId"],
                        "DomainName": origin["domainName"],
                        "OriginAccessControlId": origin.get("originAccessControlId", ""),
                        "S3OriginConfig": {"OriginAccessIdentity": ""},
                    }
                    for origin in inputs["origins"]
                ],
            },
            "DefaultCacheBehavior": _behaviour(inputs["defaultCacheBehavior"]),
            "ViewerCertificate": _certificate(inputs["viewerCertificate"]),
            "Restrictions": {
                "GeoRestriction": {
                    "RestrictionType": inputs["restrictions"]["geoRestriction"]["restrictionType"],
                    "Quantity": 0,
                }
            },
        }

    def _put(self, id_: str, config: dict[str, Any]) -> None:
        found = self._found(id_)
        if found is None:
            raise LookupError(f"the distribution {id_} is gone")
        reference = found["Distribution"]["DistributionConfig"]["CallerReference"]
        self.cloudfront.update_distribution(
            Id=id_, IfMatch=found["ETag"], DistributionConfig={**config, "CallerReference": reference}
        )


def _reference(inputs: Inputs) -> str:
    """Return a reference for the creation: of one distribution for each origin."""
    return "-".join(origin["domainName"] for origin in inputs["origins"])


def _behaviour(given: Mapping[str, Any]) -> dict[str, Any]:
    groups = given.get("trustedKeyGroups", [])
    return {
        "TargetOriginId": given["targetOriginId"],
        "ViewerProtocolPolicy": given["viewerProtocolPolicy"],
        "AllowedMethods": {
            "Quantity": len(given["allowedMethods"]),
            "Items": given["allowedMethods"],
            "CachedMethods": {"Quantity": len(given["cachedMethods"]), "Items": given["cachedMethods"]},
        },
        "Compress": given.get("compress", False),
        "CachePolicyId": given["cachePolicyId"],
        "ResponseHeadersPolicyId": given.get("responseHeadersPolicyId", ""),
        "TrustedKeyGroups": {"Enabled": bool(groups), "Quantity": len(groups), "Items": groups},
    }


def _certificate(given: Mapping[str, Any]) -> dict[str, Any]:
    if given.get("cloudfrontDefaultCertificate"):
        return {"CloudFrontDefaultCertificate": True}
    return {
        "ACMCertificateArn": given["acmCertificateArn"],
        "SSLSupportMethod": given["sslSupportMethod"],
        "MinimumProtocolVersion": given["minimumProtocolVersion"],
    }
