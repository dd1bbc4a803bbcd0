"""A table with point-in-time recovery leaves a system backup when it is deleted.

AWS: "When you delete a table that has PITR enabled, DynamoDB automatically creates a backup snapshot called a system
backup and retains it for 35 days (at no additional cost)." (DynamoDB Developer Guide, "Point-in-time recovery")
moto: deletes the table, and nothing is left.
"""

from typing import Any

from embedded_aws.moto_replacement import replace


def apply() -> None:
    """Take the backup before the table is deleted."""
    from moto.dynamodb.models import DynamoDBBackend
    from moto.dynamodb.models.table import Backup

    def delete_table(self: Any, name: str) -> Any:
        table = self.get_table(name)
        recovery = table.continuous_backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]
        deleted = original(self, name)
        if recovery == "ENABLED":
            name = f"{deleted.name}$DeletedTableBackup"
            backup = Backup(self.account_id, self.region_name, name, deleted, type_="SYSTEM")
            self.backups[backup.arn] = backup
        return deleted

    original = replace(DynamoDBBackend, "delete_table", delete_table)
