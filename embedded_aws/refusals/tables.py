"""DynamoDB. (Developer Guide: "Using deletion protection", "Item sizes".)"""

from embedded_aws.isolation import ACCOUNT_ID
from embedded_aws.refusals.base import Parameters, refusal, refuse


@refusal("a protected table is not deleted", "dynamodb", "DeleteTable")
def _protected(parameters: Parameters) -> None:
    from moto.dynamodb.models import dynamodb_backends

    regions = dynamodb_backends[ACCOUNT_ID].values()
    tables = [
        table for backend in regions if (table := backend.tables.get(parameters["TableName"])) is not None
    ]
    if any(table.deletion_protection_enabled for table in tables):
        raise refuse(
            "ValidationException",
            f"Resource cannot be deleted as it is currently protected against deletion: {parameters['TableName']}. "
            "Disable deletion protection first.",
        )


@refusal("only key attributes are defined, and all of them", "dynamodb", "CreateTable")
def _definitions(parameters: Parameters) -> None:
    indexes = [
        *(parameters.get("GlobalSecondaryIndexes") or []),
        *(parameters.get("LocalSecondaryIndexes") or []),
    ]
    schemas = [parameters["KeySchema"], *(index["KeySchema"] for index in indexes)]
    used = {key["AttributeName"] for schema in schemas for key in schema}
    defined = {entry["AttributeName"] for entry in parameters["AttributeDefinitions"]}
    if used != defined:
        raise refuse(
            "ValidationException",
            "One or more parameter values were invalid: Some AttributeDefinitions are not used or are missing. "
            f"AttributeDefinitions: {sorted(defined)}, keys: {sorted(used)}",
        )
