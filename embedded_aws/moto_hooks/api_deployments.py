"""Deployed APIs are served by `embedded_aws.api_gateway`, from the document that a deployment was made of."""

import copy
from typing import Any

from embedded_aws.moto_replacement import replace


def apply() -> None:
    """Keep a deployment's document, and disable moto's own answers."""
    from moto.apigateway.models import APIGatewayBackend, Deployment, RestAPI

    def create_deployment(
        self: Any, function_id: str, name: str, description: str = "", stage_variables: Any = None
    ) -> Any:
        """Copy the document as it is now: later imports change nothing of a deployment."""
        deployment = original(self, function_id, name, description, stage_variables)
        deployment.document = copy.deepcopy(getattr(self.get_rest_api(function_id), "document", None))
        return deployment

    def no_mocks(_self: Any, _stage_name: str) -> None:
        """Leave AWS's public URLs alone, which moto would answer for `requests`."""

    Deployment.document = None  # type: ignore[attr-defined]
    original = replace(APIGatewayBackend, "create_deployment", create_deployment)
    replace(RestAPI, "update_integration_mocks", no_mocks)
