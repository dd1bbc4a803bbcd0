"""UpdateTable changes the key that a table is encrypted with.

AWS: "SSESpecification: The new server-side encryption settings for the specified table." (DynamoDB API Reference,
"UpdateTable")
moto: ignores them.
"""

from typing import Any

from embedded_aws.moto_replacement import replace


def apply() -> None:
    """Take the settings over before the table is described."""
    from moto.dynamodb.models.table import Table
    from moto.dynamodb.responses import DynamoHandler

    def update_table(self: Any) -> Any:
        specification = self.body.get("SSESpecification")
        if specification is not None:
            table = self.dynamodb_backend.get_table(self.body["TableName"])
            if specification.get("Enabled") and "KMSMasterKeyId" not in specification:
                specification["KMSMasterKeyId"] = Table._get_default_encryption_key(
                    table, table.account_id, table.region_name
                )
            table.sse_specification = specification if specification.get("Enabled") else None
        return original(self)

    original = replace(DynamoHandler, "update_table", update_table)
