"""DynamoDB tables with their indexes."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from embedded_aws.resources.base import (
    AutoName,
    Aws,
    DeploymentRefusedError,
    Handler,
    Inputs,
    State,
    as_tag_list,
    completing,
    from_tag_list,
    pages,
    tag_changes,
)


class Table(Handler):
    """A table; the id is its name."""

    type_name = "aws:dynamodb/table:Table"
    resource = "dynamodb.Table"
    service = "dynamodb"
    carries = frozenset(
        {
            "name",
            "attributes.name",
            "attributes.type",
            "hashKey",
            "rangeKey",
            "billingMode",
            "deletionProtectionEnabled",
            "globalSecondaryIndexes.name",
            "globalSecondaryIndexes.hashKey",
            "globalSecondaryIndexes.rangeKey",
            "globalSecondaryIndexes.keySchemas.attributeName",
            "globalSecondaryIndexes.keySchemas.keyType",
            "globalSecondaryIndexes.projectionType",
            "globalSecondaryIndexes.nonKeyAttributes",
            "pointInTimeRecovery.enabled",
            "pointInTimeRecovery.recoveryPeriodInDays",
            "serverSideEncryption.enabled",
            "serverSideEncryption.kmsKeyArn",
            "tableClass",
            "ttl.attributeName",
            "ttl.enabled",
            "tags.*",
        }
    )
    replaces = frozenset({"name", "hashKey", "rangeKey"})
    autoname = AutoName(input="name", max_length=255)
    defaults: ClassVar[Mapping[str, Any]] = {"billingMode": "PROVISIONED", "deletionProtectionEnabled": False}

    @classmethod
    def existing(cls, aws: Aws) -> Iterator[str]:
        """Yield all tables, and the backups that deleted ones left."""
        for name in pages(aws, "dynamodb", "list_tables", "TableNames"):
            yield f"arn:aws:dynamodb:{aws.region}:{aws.account_id}:table/{name}"
        for backup in aws.client("dynamodb").list_backups(BackupType="ALL")["BackupSummaries"]:
            yield backup["BackupArn"]

    def create(self, inputs: Inputs) -> str:
        """Create the table, on demand only: the embedded AWS has no capacity to provision."""
        if inputs["billingMode"] != "PAY_PER_REQUEST":
            raise DeploymentRefusedError(
                "billingMode must be PAY_PER_REQUEST: capacity is not carried out here"
            )
        dynamodb = self.aws.client("dynamodb")
        request: dict[str, Any] = {
            "TableName": inputs["name"],
            "AttributeDefinitions": _definitions(inputs),
            "KeySchema": _keys(inputs),
            "BillingMode": inputs["billingMode"],
            "DeletionProtectionEnabled": inputs["deletionProtectionEnabled"],
            "Tags": as_tag_list(inputs["tagsAll"]),
        }
        indexes = [_index(index) for index in inputs.get("globalSecondaryIndexes", [])]
        if indexes:
            request["GlobalSecondaryIndexes"] = indexes
        if inputs.get("serverSideEncryption", {}).get("enabled"):
            request["SSESpecification"] = _encryption(inputs)
        if inputs.get("tableClass"):
            request["TableClass"] = inputs["tableClass"]
        dynamodb.create_table(**request)
        with completing(inputs["name"]):
            self._set_recovery(inputs["name"], inputs.get("pointInTimeRecovery", {}))
            self._set_ttl(inputs["name"], {}, inputs.get("ttl", {}))
        return str(inputs["name"])

    def read(self, id_: str) -> State | None:
        """Return keys, expiry, recovery and tags."""
        dynamodb = self.aws.client("dynamodb")
        try:
            table = dynamodb.describe_table(TableName=id_)["Table"]
        except dynamodb.exceptions.ResourceNotFoundException:
            return None
        keys = {key["KeyType"]: key["AttributeName"] for key in table["KeySchema"]}
        state: State = {
            "name": id_,
            "arn": table["TableArn"],
            "hashKey": keys["HASH"],
            "attributes": sorted(
                (
                    {"name": a["AttributeName"], "type": a["AttributeType"]}
                    for a in table["AttributeDefinitions"]
                ),
                key=lambda attribute: attribute["name"],
            ),
            "deletionProtectionEnabled": table.get("DeletionProtectionEnabled", False),
            "billingMode": table.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED"),
            "tagsAll": from_tag_list(dynamodb.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"]),
        }
        if "RANGE" in keys:
            state["rangeKey"] = keys["RANGE"]
        expiry = dynamodb.describe_time_to_live(TableName=id_)["TimeToLiveDescription"]
        if expiry.get("AttributeName"):
            enabled = expiry["TimeToLiveStatus"] == "ENABLED"
            state["ttl"] = {"attributeName": expiry["AttributeName"], "enabled": enabled}
        backups = dynamodb.describe_continuous_backups(TableName=id_)["ContinuousBackupsDescription"]
        status = backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]
        state["pointInTimeRecovery"] = {"enabled": status == "ENABLED"}
        encryption = table.get("SSEDescription", {})
        if encryption.get("Status") == "ENABLED":
            state["serverSideEncryption"] = {
                "enabled": True,
                "kmsKeyArn": encryption["KMSMasterKeyArn"],
            }
        return state

    def update(self, id_: str, old: Inputs, new: Inputs) -> None:
        """Update protection, indexes (one by one, as AWS requires), expiry, recovery, tags."""
        dynamodb = self.aws.client("dynamodb")
        if old["deletionProtectionEnabled"] != new["deletionProtectionEnabled"]:
            dynamodb.update_table(TableName=id_, DeletionProtectionEnabled=new["deletionProtectionEnabled"])
        if old.get("serverSideEncryption") != new.get("serverSideEncryption"):
            dynamodb.update_table(TableName=id_, SSESpecification=_encryption(new))
        before = {index["name"]: index for index in old.get("globalSecondaryIndexes", [])}
        after = {index["name"]: index for index in new.get("globalSecondaryIndexes", [])}
        changes: list[dict[str, Any]] = [
            {"Delete": {"IndexName": name}} for name in before if before[name] != after.get(name)
        ]
        changes += [{"Create": _index(after[name])} for name in after if before.get(name) != after[name]]
        for change in changes:
            dynamodb.update_table(
                TableName=id_,
                AttributeDefinitions=_definitions(new),
                GlobalSecondaryIndexUpdates=[change],
            )
        if old.get("pointInTimeRecovery") != new.get("pointInTimeRecovery"):
            self._set_recovery(id_, new.get("pointInTimeRecovery", {}))
        if old.get("ttl") != new.get("ttl"):
            self._set_ttl(id_, old.get("ttl", {}), new.get("ttl", {}))
        arn = f"arn:aws:dynamodb:{self.aws.region}:{self.aws.account_id}:table/{id_}"
        tags, untag = tag_changes(old, new)
        if tags:
            dynamodb.tag_resource(ResourceArn=arn, Tags=as_tag_list(tags))
        if untag:
            dynamodb.untag_resource(ResourceArn=arn, TagKeys=untag)

    def delete(self, id_: str, state: State) -> None:
        """Delete the table; AWS refuses while `deletionProtectionEnabled`."""
        dynamodb = self.aws.client("dynamodb")
        try:
            dynamodb.delete_table(TableName=id_)
        except dynamodb.exceptions.ResourceNotFoundException:
            return

    def _set_recovery(self, table: str, wanted: Inputs) -> None:
        specification: dict[str, Any] = {"PointInTimeRecoveryEnabled": wanted.get("enabled", False)}
        if "recoveryPeriodInDays" in wanted:
            specification["RecoveryPeriodInDays"] = wanted["recoveryPeriodInDays"]
        self.aws.client("dynamodb").update_continuous_backups(
            TableName=table, PointInTimeRecoverySpecification=specification
        )

    def _set_ttl(self, table: str, old: Inputs, new: Inputs) -> None:
        enabled = new.get("enabled", bool(new.get("attributeName")))
        name = new.get("attributeName") or old.get("attributeName")
        if name and (enabled or old):
            self.aws.client("dynamodb").update_time_to_live(
                TableName=table, TimeToLiveSpecification={"Enabled": enabled, "AttributeName": name}
            )


def _encryption(inputs: Inputs) -> dict[str, Any]:
    """Return DynamoDB's words for the key: one of its own where `serverSideEncryption` is left out or off."""
    wanted = inputs.get("serverSideEncryption", {})
    if not wanted.get("enabled"):
        return {"Enabled": False}
    key = {"KMSMasterKeyId": wanted["kmsKeyArn"]} if wanted.get("kmsKeyArn") else {}
    return {"Enabled": True, "SSEType": "KMS", **key}


def _definitions(inputs: Inputs) -> list[dict[str, str]]:
    return [{"AttributeName": a["name"], "AttributeType": a["type"]} for a in inputs.get("attributes", [])]


def _keys(entry: Inputs) -> list[dict[str, str]]:
    if "keySchemas" in entry:
        return [
            {"AttributeName": key["attributeName"], "KeyType": key["keyType"]} for key in entry["keySchemas"]
        ]
    found = [{"AttributeName": entry["hashKey"], "KeyType": "HASH"}]
    if entry.get("rangeKey"):
        found.append({"AttributeName": entry["rangeKey"], "KeyType": "RANGE"})
    return found


def _index(index: Inputs) -> dict[str, Any]:
    projection: dict[str, Any] = {"ProjectionType": index["projectionType"]}
    if index.get("nonKeyAttributes"):
        projection["NonKeyAttributes"] = index["nonKeyAttributes"]
    return {"IndexName": index["name"], "KeySchema": _keys(index), "Projection": projection}
