"""What a world still holds, told by looking at the world itself, service by service."""

from collections.abc import Callable, Iterator
from typing import Any

from embedded_aws.resources.base import Aws


def find_leftovers(aws: Aws) -> list[str]:
    """ARNs (or names, where AWS has no ARN) of everything of the stack's kinds that exists, sorted.

    Roles' inline policies, bucket settings and the like are gone with what they belong to.
    """
    return sorted(found for look in _LOOKS for found in look(aws))


def _pages(aws: Aws, service: str, operation: str, key: str, **arguments: Any) -> Iterator[Any]:
    client = aws.client(service)
    if client.can_paginate(operation):
        for page in client.get_paginator(operation).paginate(**arguments):
            yield from page.get(key, [])
    else:
        yield from getattr(client, operation)(**arguments).get(key, [])


def _buckets(aws: Aws) -> Iterator[str]:
    yield from (f"arn:aws:s3:::{bucket['Name']}" for bucket in _pages(aws, "s3", "list_buckets", "Buckets"))


def _tables(aws: Aws) -> Iterator[str]:
    for name in _pages(aws, "dynamodb", "list_tables", "TableNames"):
        yield f"arn:aws:dynamodb:{aws.region}:{aws.account_id}:table/{name}"


def _queues(aws: Aws) -> Iterator[str]:
    for url in _pages(aws, "sqs", "list_queues", "QueueUrls"):
        yield f"arn:aws:sqs:{aws.region}:{aws.account_id}:{url.rsplit('/', 1)[-1]}"


def _topics(aws: Aws) -> Iterator[str]:
    yield from (topic["TopicArn"] for topic in _pages(aws, "sns", "list_topics", "Topics"))
    for subscription in _pages(aws, "sns", "list_subscriptions", "Subscriptions"):
        yield subscription["SubscriptionArn"]


def _functions(aws: Aws) -> Iterator[str]:
    yield from (entry["FunctionArn"] for entry in _pages(aws, "lambda", "list_functions", "Functions"))
    for mapping in _pages(aws, "lambda", "list_event_source_mappings", "EventSourceMappings"):
        yield f"arn:aws:lambda:{aws.region}:{aws.account_id}:event-source-mapping:{mapping['UUID']}"
    for layer in _pages(aws, "lambda", "list_layers", "Layers"):
        versions = _pages(aws, "lambda", "list_layer_versions", "LayerVersions", LayerName=layer["LayerName"])
        yield from (version["LayerVersionArn"] for version in versions)


def _roles(aws: Aws) -> Iterator[str]:
    yield from (role["Arn"] for role in _pages(aws, "iam", "list_roles", "Roles"))
    for policy in _pages(aws, "iam", "list_policies", "Policies", Scope="Local"):
        yield policy["Arn"]


def _log_groups(aws: Aws) -> Iterator[str]:
    for group in _pages(aws, "logs", "describe_log_groups", "logGroups"):
        yield group["arn"].removesuffix(":*")


def _monitoring(aws: Aws) -> Iterator[str]:
    yield from (alarm["AlarmArn"] for alarm in _pages(aws, "cloudwatch", "describe_alarms", "MetricAlarms"))
    for board in _pages(aws, "cloudwatch", "list_dashboards", "DashboardEntries"):
        yield board["DashboardArn"]


def _apis(aws: Aws) -> Iterator[str]:
    base = f"arn:aws:apigateway:{aws.region}::"
    for api in _pages(aws, "apigateway", "get_rest_apis", "items"):
        yield f"{base}/restapis/{api['id']}"
    for key in _pages(aws, "apigateway", "get_api_keys", "items"):
        yield f"{base}/apikeys/{key['id']}"
    for plan in _pages(aws, "apigateway", "get_usage_plans", "items"):
        yield f"{base}/usageplans/{plan['id']}"


_LOOKS: tuple[Callable[[Aws], Iterator[str]], ...] = (
    _buckets,
    _tables,
    _queues,
    _topics,
    _functions,
    _roles,
    _log_groups,
    _monitoring,
    _apis,
)
