"""The condition keys that only some calls have, after the Service Authorization Reference of each service."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from embedded_aws.access.policies import Context
from embedded_aws.calls import Call
from embedded_aws.isolation import ACCOUNT_ID

_OF_WRITES = {
    "s3:x-amz-server-side-encryption": "ServerSideEncryption",
    "s3:x-amz-server-side-encryption-aws-kms-key-id": "SSEKMSKeyId",
    "s3:x-amz-server-side-encryption-customer-algorithm": "SSECustomerAlgorithm",
    "s3:x-amz-storage-class": "StorageClass",
}
_WRITES = ("CopyObject", "CreateMultipartUpload", "PutObject", "UploadPart")
_OF_CONDITIONAL_WRITES = {"s3:if-match": "IfMatch", "s3:if-none-match": "IfNoneMatch"}
_CONDITIONAL_WRITES = ("CompleteMultipartUpload", "CopyObject", "PutObject")
_EXPRESSIONS = (
    "ConditionExpression",
    "FilterExpression",
    "KeyConditionExpression",
    "ProjectionExpression",
    "UpdateExpression",
)
_NAMES = re.compile(r"(?<![\w:.#])#?[A-Za-z_]\w*")
_KEYWORDS = frozenset({"add", "and", "between", "delete", "in", "not", "or", "remove", "set"})
_FUNCTIONS = frozenset(
    {
        "attribute_exists",
        "attribute_not_exists",
        "attribute_type",
        "begins_with",
        "contains",
        "if_not_exists",
        "list_append",
        "size",
    }
)
_EQUALS = re.compile(r"(?P<name>#?\w+)\s*=\s*(?P<value>:\w+)")


def of_call(call: Call) -> Context:
    """Return the keys that this call has, with their values."""
    if call.service == "s3":
        return _of_s3(call.operation, call.parameters)
    if call.service == "dynamodb":
        return _of_dynamodb(call.operation, call.parameters, call.region)
    return {}


def _of_s3(operation: str, parameters: Mapping[str, Any]) -> Mapping[str, str]:
    if operation.startswith("ListObject"):
        return {"s3:prefix": str(parameters["Prefix"])} if parameters.get("Prefix") is not None else {}
    known = _OF_WRITES if operation in _WRITES else {}
    if operation in _CONDITIONAL_WRITES:
        known = {**known, **_OF_CONDITIONAL_WRITES}
    return {key: str(parameters[name]) for key, name in known.items() if parameters.get(name)}


def _of_dynamodb(operation: str, parameters: Mapping[str, Any], region: str) -> Context:
    """Return the values of the partition key for calls that name items or a partition, and the attributes named.

    `dynamodb:LeadingKeys` and `dynamodb:Attributes`.
    """
    found = dict(_leading_keys(operation, parameters, region))
    if attributes := tuple(sorted(set(_attributes(parameters)))):
        found["dynamodb:Attributes"] = attributes
    return found


def _attributes(parameters: Mapping[str, Any]) -> Iterator[str]:
    """Yield the top-level attributes that a call of one item or one partition names, wherever it does.

    IAM does not tell those that are only compared from those that are written (DynamoDB Developer Guide, "Using IAM
    policy conditions for fine-grained access control").
    """
    yield from parameters.get("Key") or ()
    yield from parameters.get("Item") or ()
    names = parameters.get("ExpressionAttributeNames") or {}
    for expression in _EXPRESSIONS:
        for name in _NAMES.findall(parameters.get(expression) or ""):
            if name.startswith("#"):
                yield str(names[name])
            elif name.casefold() not in _KEYWORDS and name not in _FUNCTIONS:
                yield name


def _leading_keys(operation: str, parameters: Mapping[str, Any], region: str) -> Context:
    if operation in ("BatchGetItem", "BatchWriteItem"):
        partitions = tuple(
            str(next(iter(item[name].values())))
            for table, request in parameters["RequestItems"].items()
            if (name := _partition_key(table, region)) is not None
            for item in _items_of_batch(request)
        )
        return {"dynamodb:LeadingKeys": partitions} if partitions else {}
    name = _partition_key(str(parameters.get("TableName", "")), region)
    if name is None:
        return {}
    if operation == "Query" and "IndexName" not in parameters:
        value = _queried(parameters, name)
    elif operation in ("GetItem", "UpdateItem", "DeleteItem"):
        value = parameters["Key"].get(name)
    elif operation == "PutItem":
        value = parameters["Item"].get(name)
    else:
        value = None
    return {"dynamodb:LeadingKeys": str(next(iter(value.values())))} if value else {}


def _items_of_batch(request: Any) -> Iterator[Mapping[str, Any]]:
    """Yield what names the items of one table: the keys to read or delete, the items to put."""
    if isinstance(request, Mapping):
        yield from request["Keys"]
        return
    for each in request:
        yield each["PutRequest"]["Item"] if "PutRequest" in each else each["DeleteRequest"]["Key"]


def _queried(parameters: Mapping[str, Any], partition_key: str) -> Mapping[str, Any] | None:
    names = parameters.get("ExpressionAttributeNames") or {}
    for found in _EQUALS.finditer(parameters.get("KeyConditionExpression") or ""):
        if names.get(found["name"], found["name"]) == partition_key:
            value: Mapping[str, Any] = parameters["ExpressionAttributeValues"][found["value"]]
            return value
    return None


def _partition_key(table: str, region: str) -> str | None:
    from moto.dynamodb.models import dynamodb_backends

    found = dynamodb_backends[ACCOUNT_ID][region].tables.get(table.rpartition("/")[2])
    return str(found.hash_key_attr) if found is not None else None
