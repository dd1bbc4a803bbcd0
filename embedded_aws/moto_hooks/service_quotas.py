"""Service Quotas answers with the quotas of the world's profile; moto has VPC's only."""

from typing import Any

from embedded_aws import profiles
from embedded_aws.moto_replacement import replace


def apply() -> None:
    """Answer GetServiceQuota from the profile."""
    from moto.servicequotas.exceptions import NoSuchResource
    from moto.servicequotas.models import ServiceQuotasBackend

    def get_service_quota(_self: Any, service_code: str, quota_code: str) -> dict[str, Any]:
        value = profiles.active().quota(service_code, quota_code)
        if value is None:
            raise NoSuchResource
        return {"ServiceCode": service_code, "QuotaCode": quota_code, "Value": value, "Adjustable": True}

    replace(ServiceQuotasBackend, "get_service_quota", get_service_quota)
