"""MediaDelivery: a CloudFront distribution over the renditions bucket, where `delivery.cdn` is true."""

from __future__ import annotations  # so that AWS's module for it is loaded only where a stack has it

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components import bounds
from components.bucket import PrivateBucket
from components.delivery_keys import Delivery
from components.naming import component_type

EDGE_SECONDS = 86_400
"""The longest that CloudFront keeps a rendition without asking the bucket again.

What is removed is forgotten by an invalidation; this bounds what one that was lost could do.
"""
_BEHAVIOUR = "renditions"  # the id of the one origin


@dataclass(frozen=True, kw_only=True)
class MediaDeliveryArgs:
    """What is delivered, from where, and how."""

    delivery: Delivery
    renditions: PrivateBucket
    region: str


class MediaDelivery(pulumi.ComponentResource):
    """The distribution, its policies, and with `delivery.signed` the keys that addresses must be signed with.

    The renditions bucket stays private: CloudFront signs its requests as this distribution (origin access control),
    and the bucket's policy names it. It may get objects and not list them: what is not there is answered with 403.
    """

    distribution: aws.cloudfront.Distribution
    address: pulumi.Output[str]
    """`https://<domain>`, without a trailing slash."""
    signers: Sequence[aws.cloudfront.PublicKey]

    def __init__(
        self, name: str, args: MediaDeliveryArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(component_type("MediaDelivery"), name, {}, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        delivery = args.delivery
        self.signers = [self._signer(name, key) for key in delivery.signed]
        control = aws.cloudfront.OriginAccessControl(
            f"{name}-renditions-access",
            origin_access_control_origin_type="s3",
            signing_behavior="always",
            signing_protocol="sigv4",
            opts=self._child,
        )
        self.distribution = aws.cloudfront.Distribution(
            f"{name}-distribution",
            enabled=True,
            comment=f"Renditions of {name}",
            aliases=[delivery.domain] if delivery.domain else [],
            origins=[
                aws.cloudfront.DistributionOriginArgs(
                    origin_id=_BEHAVIOUR,
                    domain_name=args.renditions.bucket.bucket_regional_domain_name,
                    origin_access_control_id=control.id,
                )
            ],
            default_cache_behavior=self._behaviour(name, delivery),
            viewer_certificate=_certificate(delivery),
            restrictions=aws.cloudfront.DistributionRestrictionsArgs(
                geo_restriction=aws.cloudfront.DistributionRestrictionsGeoRestrictionArgs(
                    restriction_type="none"
                )
            ),
            http_version="http2and3",
            is_ipv6_enabled=True,
            price_class=_price_class(args.region),
            opts=self._child,
        )
        host = pulumi.Output.from_input(delivery.domain or self.distribution.domain_name)
        self.address = pulumi.Output.concat("https://", host)
        self.register_outputs({"address": self.address, "distribution": self.distribution.id})

    def _behaviour(
        self, name: str, delivery: Delivery
    ) -> aws.cloudfront.DistributionDefaultCacheBehaviorArgs:
        group = self._key_group(name) if self.signers else None
        return aws.cloudfront.DistributionDefaultCacheBehaviorArgs(
            target_origin_id=_BEHAVIOUR,
            viewer_protocol_policy="https-only",
            allowed_methods=["GET", "HEAD"],
            cached_methods=["GET", "HEAD"],
            compress=False,  # pictures and videos are compressed already
            cache_policy_id=self._cache_policy(name).id,
            response_headers_policy_id=self._headers_policy(name, delivery).id,
            trusted_key_groups=[group.id] if group else [],
        )

    def _cache_policy(self, name: str) -> aws.cloudfront.CachePolicy:
        """Keep one object for each path, whatever query, header or cookie a reader sends."""
        cache = aws.cloudfront
        return aws.cloudfront.CachePolicy(
            f"{name}-renditions-cache",
            comment=f"Renditions of {name}: one object for each path",
            min_ttl=0,
            default_ttl=EDGE_SECONDS,
            max_ttl=EDGE_SECONDS,
            parameters_in_cache_key_and_forwarded_to_origin=(
                cache.CachePolicyParametersInCacheKeyAndForwardedToOriginArgs(
                    cookies_config=cache.CachePolicyParametersInCacheKeyAndForwardedToOriginCookiesConfigArgs(
                        cookie_behavior="none"
                    ),
                    headers_config=cache.CachePolicyParametersInCacheKeyAndForwardedToOriginHeadersConfigArgs(
                        header_behavior="none"
                    ),
                    query_strings_config=(
                        cache.CachePolicyParametersInCacheKeyAndForwardedToOriginQueryStringsConfigArgs(
                            query_string_behavior="none"
                        )
                    ),
                    enable_accept_encoding_brotli=False,
                    enable_accept_encoding_gzip=False,
                )
            ),
            opts=self._child,
        )

    def _headers_policy(self, name: str, delivery: Delivery) -> aws.cloudfront.ResponseHeadersPolicy:
        """Tell browsers how long to keep a rendition, which no invalidation reaches, and not to guess its type."""
        seconds = delivery.browser_seconds
        headers = aws.cloudfront
        return aws.cloudfront.ResponseHeadersPolicy(
            f"{name}-renditions-headers",
            comment=f"Renditions of {name}",
            custom_headers_config=headers.ResponseHeadersPolicyCustomHeadersConfigArgs(
                items=[
                    headers.ResponseHeadersPolicyCustomHeadersConfigItemArgs(
                        header="Cache-Control",
                        value=f"{'private' if delivery.signed else 'public'}, max-age={seconds}, immutable",
                        override=True,
                    )
                ]
            ),
            security_headers_config=headers.ResponseHeadersPolicySecurityHeadersConfigArgs(
                content_type_options=headers.ResponseHeadersPolicySecurityHeadersConfigContentTypeOptionsArgs(
                    override=True
                ),
                strict_transport_security=(
                    headers.ResponseHeadersPolicySecurityHeadersConfigStrictTransportSecurityArgs(
                        access_control_max_age_sec=31_536_000, override=True
                    )
                ),
            ),
            opts=self._child,
        )

    def _signer(self, name: str, key: str) -> aws.cloudfront.PublicKey:
        """Create a key under a name of its own: CloudFront changes no key, and one more must replace none."""
        digest = hashlib.sha256("".join(key.split()).encode()).hexdigest()[:8]
        return aws.cloudfront.PublicKey(f"{name}-signer-{digest}", encoded_key=key, opts=self._child)

    def _key_group(self, name: str) -> aws.cloudfront.KeyGroup:
        return aws.cloudfront.KeyGroup(
            f"{name}-signers", items=[signer.id for signer in self.signers], opts=self._child
        )


def _certificate(delivery: Delivery) -> aws.cloudfront.DistributionViewerCertificateArgs:
    """Return the domain's certificate with TLS 1.2 at least; for CloudFront's own domain it allows no choice."""
    if delivery.certificate_arn is None:
        return aws.cloudfront.DistributionViewerCertificateArgs(cloudfront_default_certificate=True)
    return aws.cloudfront.DistributionViewerCertificateArgs(
        acm_certificate_arn=delivery.certificate_arn,
        ssl_support_method="sni-only",
        minimum_protocol_version="TLSv1.2_2021",
    )


def _price_class(region: str) -> str:
    """Return the class with edge locations near the stack's region: where it is, its readers most likely are."""
    near = region.startswith(bounds.PRICE_CLASS_100_REGIONS)
    return "PriceClass_100" if near else "PriceClass_All"
