"""Properties between protobuf and Python: the engine's marks for what is unknown, secret, or an archive.

The SDK's own reader drops an archive's hash. Once its file has been replaced, only the hash shows a difference.
"""

from collections.abc import Mapping
from typing import Any, Final

from google.protobuf import struct_pb2  # type: ignore[import-untyped]
from pulumi import Archive, Asset

from embedded_aws.resources.archives import HashedArchive
from embedded_aws.resources.unknown import UNKNOWN

_SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
_SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the wire's mark of one
_OUTPUT: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
_ARCHIVE: Final = "0def7320c3a5731c473e5ecbe6d01bc7"
_UNKNOWNS: Final = frozenset(
    {
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",  # a string, and what the SDK sends for anything
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # a boolean
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # a number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # an array
        "030794c1-ac77-496b-92df-f27374a8bd58",  # an asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # an archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # an object
    }
)
_UNKNOWN: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def from_wire(struct: struct_pb2.Struct) -> dict[str, Any]:
    """Return Python values; secrets in clear, what is unknown as UNKNOWN, null left out, numbers as floats.

    Raises ValueError for a kind of value that no property of the embedded AWS has.
    """
    return {
        key: _read(value) for key, value in struct.fields.items() if value.WhichOneof("kind") != "null_value"
    }


def to_wire(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    """Return the inverse of `from_wire`."""
    struct = struct_pb2.Struct()
    struct.update({key: _written(value) for key, value in properties.items() if value is not None})
    return struct


def _read(value: struct_pb2.Value) -> Any:
    match value.WhichOneof("kind"):
        case "string_value":
            return UNKNOWN if value.string_value in _UNKNOWNS else value.string_value
        case "number_value":
            return value.number_value
        case "bool_value":
            return value.bool_value
        case "list_value":
            return [_read(inner) for inner in value.list_value.values]
        case "struct_value":
            return _read_object(value.struct_value)
        case _:
            return None


def _read_object(struct: struct_pb2.Struct) -> Any:
    if _SIGNATURE not in struct.fields:
        return from_wire(struct)
    match struct.fields[_SIGNATURE].string_value:
        case mark if mark == _SECRET:
            return _read(struct.fields["value"])
        case mark if mark == _OUTPUT:
            return _read(struct.fields["value"]) if "value" in struct.fields else UNKNOWN
        case mark if mark == _ARCHIVE:
            return _read_archive(struct)
        case mark:
            raise ValueError(f"the embedded AWS knows no values of the kind {mark}")


def _read_archive(struct: struct_pb2.Struct) -> Archive:
    contents_hash = struct.fields["hash"].string_value
    made_of_assets = "assets" in struct.fields and struct.fields["assets"].struct_value.fields
    if made_of_assets or "uri" in struct.fields or not contents_hash:
        raise ValueError("the embedded AWS takes archives of local files only")
    path = (
        struct.fields["path"].string_value if "path" in struct.fields else ""
    )  # the engine's state has none
    return HashedArchive(path, contents_hash)


def _written(value: Any) -> Any:
    if value is UNKNOWN:
        return _UNKNOWN
    if isinstance(value, HashedArchive):
        path = {"path": value.path} if value.path else {}
        return {_SIGNATURE: _ARCHIVE, "hash": value.contents_hash, **path}
    if isinstance(value, (Archive, Asset)):
        raise ValueError(f"{type(value).__name__} cannot be kept in the engine's state")  # noqa: TRY004
    if isinstance(value, Mapping):
        return {key: _written(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, (list, tuple)):
        return [_written(inner) for inner in value]
    return value
