"""The checks about CloudFront, as those of `behaviours`."""

from typing import Any

from tests.embedded_aws.moto_patches.arrangements import Clients
from tests.embedded_aws.moto_patches.checks import check


@check
def distributions_policies(clients: Clients) -> bool:
    cloudfront = clients("cloudfront")
    config = {"Name": "p", "MinTTL": 0, "MaxTTL": 60, "DefaultTTL": 60}
    made = cloudfront.create_cache_policy(CachePolicyConfig=config)
    id_ = made["CachePolicy"]["Id"]
    cloudfront.update_cache_policy(Id=id_, IfMatch=made["ETag"], CachePolicyConfig={**config, "MaxTTL": 120})
    seconds = cloudfront.get_cache_policy(Id=id_)["CachePolicy"]["CachePolicyConfig"]["MaxTTL"]
    headers = cloudfront.create_response_headers_policy(ResponseHeadersPolicyConfig={"Name": "h"})
    cloudfront.delete_response_headers_policy(
        Id=headers["ResponseHeadersPolicy"]["Id"], IfMatch=headers["ETag"]
    )
    left = cloudfront.list_response_headers_policies(Type="custom")["ResponseHeadersPolicyList"]["Quantity"]
    group = cloudfront.create_key_group(KeyGroupConfig={"Name": "g", "Items": ["K1"]})
    cloudfront.delete_key_group(Id=group["KeyGroup"]["Id"], IfMatch=group["ETag"])
    groups = cloudfront.list_key_groups()["KeyGroupList"]["Quantity"]
    return bool(seconds == 120 and left == 0 and groups == 0)


def a_distribution(cloudfront: Any, **of_the_origin: str) -> str:
    """Create a distribution; return its id."""
    origin = {"Id": "o", "DomainName": "o.s3.amazonaws.com", "S3OriginConfig": {"OriginAccessIdentity": ""}}
    behaviour = {"TargetOriginId": "o", "ViewerProtocolPolicy": "https-only"}
    config = {
        "CallerReference": "r",
        "Comment": "",
        "Enabled": True,
        "Origins": {"Quantity": 1, "Items": [{**origin, **of_the_origin}]},
        "DefaultCacheBehavior": behaviour,
    }
    return str(cloudfront.create_distribution(DistributionConfig=config)["Distribution"]["Id"])


@check
def distributions_origins(clients: Clients) -> bool:
    cloudfront = clients("cloudfront")
    id_ = a_distribution(cloudfront, OriginAccessControlId="E1")
    (origin,) = cloudfront.get_distribution_config(Id=id_)["DistributionConfig"]["Origins"]["Items"]
    return bool(origin.get("OriginAccessControlId") == "E1")


@check
def distributions_invalidations(clients: Clients) -> bool:
    cloudfront = clients("cloudfront")
    id_ = a_distribution(cloudfront)

    def forget(reference: str, *paths: str) -> str:
        batch = {"CallerReference": reference, "Paths": {"Quantity": len(paths), "Items": list(paths)}}
        made = cloudfront.create_invalidation(DistributionId=id_, InvalidationBatch=batch)
        return str(made["Invalidation"]["Id"])

    first = forget("a", "/x/*")
    again = forget("a", "/x/*") == first
    forget("b", *(f"/{number}/*" for number in range(14)))
    try:
        forget("c", "/y/*")
    except cloudfront.exceptions.TooManyInvalidationsInProgress:
        refused = True
    else:
        refused = False
    return again and refused and bool(forget("d", "/y/z"))  # counted apart
