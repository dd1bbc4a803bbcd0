"""What the Pulumi program registered as a Terraform plan, the form in which Checkov reads resources.

pulumi_aws is generated from Terraform's provider, so each resource type and each input has one there, under another
spelling: `aws:s3/bucketVersioning:BucketVersioning` is `aws_s3_bucket_versioning`, `corsRules` are blocks named
`cors_rule`. What cannot be spelled by a rule is in the tables below; a module or a list of blocks that they lack is an
error, because Checkov silently passes what it does not recognise.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import pulumi

from tests.components.recording import Registered

Json = dict[str, Any]

_MODULES: Final[Mapping[str, str]] = {
    "acm": "acm",
    "apigateway": "api_gateway",
    "budgets": "budgets",
    "cloudfront": "cloudfront",
    "cloudtrail": "cloudtrail",
    "cloudwatch": "cloudwatch",
    "cognito": "cognito",
    "dynamodb": "dynamodb",
    "iam": "iam",
    "kms": "kms",
    "lambda": "lambda",
    "s3": "s3",
    "scheduler": "scheduler",
    "sns": "sns",
    "sqs": "sqs",
}
"""Modules of pulumi_aws, and what Terraform's types begin with after `aws_`."""
_TYPES: Final[Mapping[str, str]] = {"aws:cloudtrail/trail:Trail": "aws_cloudtrail"}
"""Types that are called otherwise in Terraform."""
_ARGUMENTS: Final[Mapping[str, str]] = {
    "aws_api_gateway_deployment.restApi": "rest_api_id",
    "aws_api_gateway_method_settings.restApi": "rest_api_id",
    "aws_api_gateway_stage.deployment": "deployment_id",
    "aws_api_gateway_stage.restApi": "rest_api_id",
    "aws_cloudtrail.startsWiths": "starts_with",
    "aws_lambda_function.code": "filename",
    "aws_lambda_function.name": "function_name",
    "aws_lambda_layer_version.code": "filename",
    "aws_lambda_permission.function": "function_name",
    "aws_sns_topic_subscription.topic": "topic_arn",
}
"""Inputs that pulumi_aws has under a name of its own, by Terraform's type."""
_BLOCKS: Final[Mapping[str, str]] = {
    "advancedEventSelectors": "advanced_event_selector",
    "apiStages": "api_stages",
    "attributes": "attribute",
    "corsRules": "cors_rule",
    "costFilters": "cost_filter",
    "customErrorResponses": "custom_error_response",
    "fieldSelectors": "field_selector",
    "globalSecondaryIndexes": "global_secondary_index",
    "items": "items",
    "keySchemas": "key_schema",
    "metricQueries": "metric_query",
    "notifications": "notification",
    "orderedCacheBehaviors": "ordered_cache_behavior",
    "origins": "origin",
    "ors": "or",
    "queues": "queue",
    "recoveryMechanisms": "recovery_mechanism",
    "rules": "rule",
}
"""Lists of objects, which are blocks in Terraform, mostly named in the singular."""
_MAPS: Final = frozenset({"dimensions", "tags", "triggers", "variables"})
"""Objects with keys of our own choice, which are values in Terraform. Every other object is a block."""


def plan(resources: Iterable[Registered], prefix: str) -> Json:
    """Return a plan that creates the resources, as `terraform show -json` prints it.

    `prefix` is what all names of a stack begin with, and is left out of their addresses, so that a finding is called
    the same in each stack.
    """
    given = [each for each in resources if each.type.startswith("aws:")]
    addresses = {each.urn: address(each, prefix) for each in given}
    return {
        "format_version": "1.2",
        "terraform_version": "1.9.0",
        "planned_values": {"root_module": {"resources": [_planned(each, addresses) for each in given]}},
        "resource_changes": [_change(each, addresses) for each in given],
        "configuration": {"root_module": {"resources": [_configured(each, addresses) for each in given]}},
    }


def address(resource: Registered, prefix: str) -> str:
    """Return Terraform's address: type and name, which is `main` where nothing follows the prefix."""
    return f"{type_of(resource)}.{resource.name.removeprefix(prefix).strip('-') or 'main'}"


def type_of(resource: Registered) -> str:
    """Return Terraform's type of a resource. Raises LookupError for a module without an entry."""
    _, module, kind = resource.type.split(":")
    module = module.partition("/")[0]
    if module not in _MODULES:
        raise LookupError(f"{resource.type}: give the module {module!r} its Terraform prefix in {__name__}")
    return _TYPES.get(resource.type, f"aws_{_MODULES[module]}_{_snake(kind)}")


def values(resource: Registered) -> Json:
    """Return the inputs as Terraform's arguments. Raises LookupError for a list of blocks without an entry."""
    return _arguments(resource.inputs, type_of(resource))


def _arguments(inputs: Mapping[str, Any], where: str) -> Json:
    found: Json = {}
    for key, value in inputs.items():
        if isinstance(value, Mapping) and key not in _MAPS:
            found[_snake(key)] = [_arguments(value, where)]
        elif isinstance(value, list) and any(isinstance(each, Mapping) for each in value):
            if key not in _BLOCKS:
                raise LookupError(f"{where}: give the blocks {key!r} their Terraform name in {__name__}")
            found[_BLOCKS[key]] = [_arguments(each, where) for each in value]
        else:
            found[_argument(where, key)] = _value(value)
    return found


def _argument(type_: str, key: str) -> str:
    return _ARGUMENTS.get(f"{type_}.{key}", _snake(key))


def _value(value: Any) -> Any:
    """Return a value with whole numbers as integers, and an archive as its path."""
    if isinstance(value, pulumi.FileArchive):
        return str(value.path)
    if isinstance(value, Mapping):
        return {key: _value(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_value(inner) for inner in value]
    return int(value) if isinstance(value, float) and value == int(value) else value


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def _expressions(resource: Registered, addresses: Mapping[str, str]) -> Json:
    """Return the arguments, in blocks as well, that are another resource's id or ARN: Checkov's graph follows them.

    A document that contains an ARN keeps its text: in a real plan it is unknown, and no check could read it.
    """
    found: Json = {}
    arguments = values(resource)
    for key, urns in resource.property_dependencies.items():
        others = {urn.rpartition("::")[2]: addresses[urn] for urn in urns if urn in addresses}
        value = resource.inputs.get(key)
        if not others:
            continue
        if isinstance(value, str) and not value.lstrip().startswith("{"):
            found[_argument(type_of(resource), key)] = _reference(others.values())
        name = _BLOCKS.get(key, _snake(key))
        if blocks := [_in_block(each, others) for each in _blocks(arguments.get(name))]:
            found[name] = blocks
    return found


def _in_block(block: Mapping[str, Any], others: Mapping[str, str]) -> Json:
    """Return which arguments of a block are physical names, or end in one, of other resources (by their names)."""
    found: Json = {}
    for key, value in block.items():
        named = [at for name, at in others.items() if isinstance(value, str) and _is_of(name, value)]
        if named:
            found[key] = _reference(named)
        elif inner := [_in_block(each, others) for each in _blocks(value)]:
            found[key] = inner
    return found


def _is_of(name: str, value: str) -> bool:
    return re.search(rf"(^|[:/]){re.escape(name)}-[0-9a-f]{{7}}$", value) is not None


def _blocks(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _reference(addresses: Iterable[str]) -> Json:
    return {"references": [text for other in addresses for text in (f"{other}.id", other)]}


def _known(arguments: Mapping[str, Any], expressions: Mapping[str, Any]) -> Json:
    """Return the arguments without those that refer to something, which a plan does not know yet."""
    found: Json = {}
    for key, value in arguments.items():
        expression = expressions.get(key, {})
        if isinstance(expression, list):
            pairs = zip(_blocks(value), expression, strict=True)
            found[key] = [_known(block, inner) for block, inner in pairs]
        elif "references" not in expression:
            found[key] = value
    return found


def _planned(resource: Registered, addresses: Mapping[str, str]) -> Json:
    known = _known(values(resource), _expressions(resource, addresses))
    return {**_identity(resource, addresses), "values": known}


def _change(resource: Registered, addresses: Mapping[str, str]) -> Json:
    after = _planned(resource, addresses)["values"]
    change = {"actions": ["create"], "before": None, "after": after, "after_unknown": {}}
    return {**_identity(resource, addresses), "change": change}


def _configured(resource: Registered, addresses: Mapping[str, str]) -> Json:
    return {**_identity(resource, addresses), "expressions": _expressions(resource, addresses)}


def _identity(resource: Registered, addresses: Mapping[str, str]) -> Json:
    type_, _, name = addresses[resource.urn].partition(".")
    return {
        "address": addresses[resource.urn],
        "mode": "managed",
        "type": type_,
        "name": name,
        "provider_name": "aws",
    }
