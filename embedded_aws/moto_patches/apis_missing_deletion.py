"""Deleting an API that does not exist is answered with NotFoundException.

AWS: the error is documented. (API Gateway API Reference, "DeleteRestApi".)
moto: fails with an internal error.
"""

from typing import Any

from embedded_aws.moto_replacement import replace


def apply() -> None:
    """Look before deleting."""
    from moto.apigateway.exceptions import RestAPINotFound
    from moto.apigateway.models import APIGatewayBackend

    def delete_rest_api(self: Any, function_id: str) -> Any:
        if function_id not in self.apis:
            raise RestAPINotFound
        return original(self, function_id)

    original = replace(APIGatewayBackend, "delete_rest_api", delete_rest_api)
