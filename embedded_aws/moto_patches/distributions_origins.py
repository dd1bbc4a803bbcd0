"""An origin of a distribution keeps its origin access control.

AWS: GetDistribution and GetDistributionConfig answer with `OriginAccessControlId`, and CloudFront signs its requests to
the origin as that says. (CloudFront API Reference, "Origin".)
moto: forgets it.
"""

from typing import Any

from embedded_aws.moto_replacement import replace


def apply() -> None:
    """Keep it."""
    from moto.cloudfront.models import Origin

    def keep(self: Any, origin: dict[str, Any]) -> None:
        original(self, origin)
        self.origin_access_control_id = origin.get("OriginAccessControlId") or ""

    original = replace(Origin, "__init__", keep)
