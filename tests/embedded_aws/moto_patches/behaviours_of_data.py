"""The checks about tables, logs and keys, as those of `behaviours`."""

import json
from typing import Any

from tests.embedded_aws.moto_patches.arrangements import REGION, Clients
from tests.embedded_aws.moto_patches.checks import check


def _with_a_table(clients: Clients) -> Any:
    tables = clients("dynamodb")
    tables.create_table(
        TableName="t",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
    )
    return tables


@check
def tables_changed_encryption(clients: Clients) -> bool:
    tables = _with_a_table(clients)
    key = clients("kms").create_key()["KeyMetadata"]["Arn"]
    settings = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}
    tables.update_table(TableName="t", SSESpecification=settings)
    shown = tables.describe_table(TableName="t")["Table"].get("SSEDescription", {})
    tables.update_table(TableName="t", SSESpecification={"Enabled": False})
    without = tables.describe_table(TableName="t")["Table"].get("SSEDescription", {})
    return bool(shown.get("KMSMasterKeyArn") == key and without.get("Status") != "ENABLED")


@check
def log_groups_changed_keys(clients: Clients) -> bool:
    logs, kms = clients("logs"), clients("kms")
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": f"logs.{REGION}.amazonaws.com"},
        "Action": "kms:*",
        "Resource": "*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    key = kms.create_key(Policy=policy)["KeyMetadata"]["Arn"]
    logs.create_log_group(logGroupName="g")
    logs.associate_kms_key(logGroupName="g", kmsKeyId=key)
    (shown,) = logs.describe_log_groups(logGroupNamePrefix="g")["logGroups"]
    logs.disassociate_kms_key(logGroupName="g")
    (without,) = logs.describe_log_groups(logGroupNamePrefix="g")["logGroups"]
    return shown.get("kmsKeyId") == key and "kmsKeyId" not in without


@check
def tables_system_backups(clients: Clients) -> bool:
    tables = _with_a_table(clients)
    recovery = {"PointInTimeRecoveryEnabled": True}
    tables.update_continuous_backups(TableName="t", PointInTimeRecoverySpecification=recovery)
    tables.delete_table(TableName="t")
    return [each["BackupType"] for each in tables.list_backups()["BackupSummaries"]] == ["SYSTEM"]


@check
def keys_default_usage(clients: Clients) -> bool:
    keys = clients("kms")
    made = keys.create_key()["KeyMetadata"]
    shown = keys.describe_key(KeyId=made["KeyId"])["KeyMetadata"]
    return bool(shown.get("KeyUsage") == "ENCRYPT_DECRYPT")
