"""Binary media types of an API are added and removed one by one, each named in the operation's path.

AWS: "op: add, path: /binaryMediaTypes/image~1jpeg". (API Gateway API Reference, "Patch operations".)
moto: only replaces the whole list with the operation's value, which AWS does not use here.
"""

from typing import Any

from embedded_aws.moto_replacement import replace

_PREFIX = "/binaryMediaTypes/"


def apply() -> None:
    """Read the media type from the path."""
    from moto.apigateway.models import RestAPI

    def apply_patch_operations(self: Any, patch_operations: list[dict[str, Any]]) -> None:
        for operation in patch_operations:
            if not operation["path"].startswith(_PREFIX):
                original(self, [operation])
                continue
            kind = operation["path"].removeprefix(_PREFIX).replace("~1", "/")
            others = [entry for entry in self.binaryMediaTypes if entry != kind]
            self.binaryMediaTypes = others if operation["op"] == "remove" else [*others, kind]

    original = replace(RestAPI, "apply_patch_operations", apply_patch_operations)
