"""A function keeps working with a layer version that was deleted: its bytes are kept for `embedded_aws.runtime`.

"To avoid breaking functions, a copy of the version remains in Lambda until no functions refer to it." (Lambda API
Reference, "DeleteLayerVersion".)
"""

from typing import Any

from embedded_aws.moto_replacement import replace


def apply() -> None:
    """Keep deleted versions for the functions that have them."""
    from moto.awslambda.models import Layer

    def delete_version(self: Any, layer_version: str) -> None:
        kept = self.layer_versions.get(str(layer_version))
        if kept is not None:
            self.__dict__.setdefault("deleted_versions", {})[str(layer_version)] = kept
        original(self, layer_version)

    original = replace(Layer, "delete_version", delete_version)


def layer_bytes(backend: Any, arn: str) -> bytes | None:
    """Return the zip of a layer version in moto's Lambda, also of a deleted one; None where there never was one."""
    found = backend.layers_versions_by_arn(arn)
    if found is None:
        name, version = arn.split(":")[6:8]
        layer = backend._layers._layers.get(name)
        found = getattr(layer, "deleted_versions", {}).get(version)
    return None if found is None else bytes(found.code_bytes)
