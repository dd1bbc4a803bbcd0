"""How often CloudFront was asked to forget something, which it bills by the path."""

from typing import Any


def invalidations_since(cloudfront: Any, distribution_id: str, *, since: float | None) -> int:
    """Return how many invalidations of a distribution were made since then, in epoch seconds; None: ever.

    Only that: the list has no paths, and asking for them would take a call for each. `cloudfront` is the SDK's client.
    Raises what boto3 raises.
    """
    pages = cloudfront.get_paginator("list_invalidations").paginate(DistributionId=distribution_id)
    return sum(
        since is None or each["CreateTime"].timestamp() >= since
        for page in pages
        for each in page["InvalidationList"].get("Items", ())
    )
