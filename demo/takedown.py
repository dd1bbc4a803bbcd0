"""Takes a stack down, a protected one as the README tells its operator to."""

from collections.abc import Callable
from typing import Any

from local.deploy import Deployment, Resource

BUCKET = "aws:s3/bucket:Bucket"
TABLE = "aws:dynamodb/table:Table"

_KEYS_PER_CALL = 1000  # AWS: DeleteObjects


def take_down(
    deployment: Deployment,
    client: Callable[[str], Any],
    on_resource: Callable[[Resource], None] | None = None,
) -> list[str]:
    """Remove everything of the stack and return what is left over.

    A stack that is not protected goes by `destroy` alone. A protected one resists three times over, and by
    design: the engine's protection, DynamoDB's own, and buckets that only go once they are empty.
    Raises DeployError where AWS refuses.
    """
    if deployment.unprotect():
        for resource in deployment.resources:
            if resource.type == TABLE:
                _allow_deletion(client("dynamodb"), resource.id)
            elif resource.type == BUCKET:
                _empty(client("s3"), resource.id)
    return deployment.destroy(on_resource)


def _allow_deletion(dynamodb: Any, table: str) -> None:
    if dynamodb.describe_table(TableName=table)["Table"].get("DeletionProtectionEnabled"):
        dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)


def _empty(s3: Any, bucket: str) -> None:
    """Delete every version and every delete marker."""
    for page in s3.get_paginator("list_object_versions").paginate(
        Bucket=bucket, PaginationConfig={"PageSize": _KEYS_PER_CALL}
    ):
        found = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
        if found:
            doomed = [{"Key": entry["Key"], "VersionId": entry["VersionId"]} for entry in found]
            s3.delete_objects(Bucket=bucket, Delete={"Objects": doomed, "Quiet": True})
