"""Queries on what a run of the program registered."""

from tests.components.recording import ACCOUNT, Recording, Registered

QUEUE = "aws:sqs/queue:Queue"
FUNCTION = "aws:lambda/function:Function"
LAYER = "aws:lambda/layerVersion:LayerVersion"
MAPPING = "aws:lambda/eventSourceMapping:EventSourceMapping"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"


def arn(
    service: str, recorded: Recording, what: str, region: str = "eu-central-1", account: str = ACCOUNT
) -> str:
    """Return the ARN that the recording engine gives a resource."""
    return f"arn:aws:{service}:{region}:{account}:media-pipeline-{recorded.stack}-{what}-1a2b3c4"


def s3(recorded: Recording, what: str) -> str:
    """Return the ARN of a bucket."""
    return arn("s3", recorded, what, "", "")


def permissions(recorded: Recording, function: str) -> set[tuple[str, str]]:
    """Return every action with its resource that a function's role allows."""
    document = recorded.one(ROLE_POLICY, f"{function}-policy").json("policy")
    assert {statement["Effect"] for statement in document["Statement"]} == {"Allow"}
    return {
        (action, resource)
        for statement in document["Statement"]
        for action in statement["Action"]
        for resource in statement["Resource"]
    }


def of_every_function(recorded: Recording, name: str) -> set[tuple[str, str]]:
    """Return what every function may do: write its log and its traces."""
    log = arn("cloudwatch", recorded, f"{name}-log")
    return {
        ("logs:CreateLogStream", f"{log}:*"),
        ("logs:PutLogEvents", f"{log}:*"),
        ("xray:PutTraceSegments", "*"),
        ("xray:PutTelemetryRecords", "*"),
    }


def of_every_worker(recorded: Recording, name: str, *queues: str) -> set[tuple[str, str]]:
    """Return what every function may do that polls `queues` and writes records."""
    actions = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes", "ChangeMessageVisibility")
    records = arn("dynamodb", recorded, "records")
    return of_every_function(recorded, name) | {
        *((f"dynamodb:{action}", records) for action in ("GetItem", "UpdateItem", "Query")),
        ("s3:ListBucket", s3(recorded, "renditions")),
        ("sns:Publish", arn("sns", recorded, "events")),
        *((f"sqs:{action}", arn("sqs", recorded, queue)) for queue in queues for action in actions),
    }


def of_media(recorded: Recording, name: str, queue: str) -> set[tuple[str, str]]:
    """Return what a function may do that renders, publishes and quarantines."""
    uploads, quarantine, renditions = (s3(recorded, each) for each in ("uploads", "quarantine", "renditions"))
    return of_every_worker(recorded, name, queue) | {
        ("s3:GetObjectVersion", f"{uploads}/*"),
        ("s3:ListBucketVersions", uploads),
        ("dynamodb:DeleteItem", arn("dynamodb", recorded, "records")),
        ("dynamodb:BatchGetItem", arn("dynamodb", recorded, "records")),
        ("dynamodb:BatchWriteItem", arn("dynamodb", recorded, "records")),
        ("s3:DeleteObjectVersion", f"{uploads}/*"),
        ("s3:ListBucket", uploads),
        ("s3:PutObject", f"{quarantine}/*"),
        ("s3:GetObject", f"{quarantine}/*"),
        ("s3:PutObjectTagging", f"{quarantine}/*"),
        ("s3:DeleteObject", f"{quarantine}/*"),
        ("s3:ListBucket", quarantine),
        ("s3:PutObject", f"{renditions}/*"),
        ("s3:PutObjectTagging", f"{renditions}/*"),
        ("s3:DeleteObject", f"{renditions}/*"),
        ("rekognition:DetectModerationLabels", "*"),
    }


def environment(recorded: Recording, function: str) -> dict[str, str]:
    """Return a function's environment variables."""
    variables: dict[str, str] = recorded.one(FUNCTION, function).inputs["environment"]["variables"]
    return variables


def metrics(alarm: Registered) -> list[tuple[str, str, str, dict[str, str]]]:
    """Return namespace, name, statistic and dimensions of all metrics that an alarm watches."""
    inputs = alarm.inputs
    if "metricName" in inputs:
        statistic = inputs.get("statistic") or inputs["extendedStatistic"]
        return [(inputs["namespace"], inputs["metricName"], statistic, inputs["dimensions"])]
    return [
        (metric["namespace"], metric["metricName"], metric["stat"], metric["dimensions"])
        for query in inputs["metricQueries"]
        if (metric := query.get("metric"))
    ]


def evaluate(alarm: Registered, **values: float) -> float:
    """Evaluate a metric math expression; the pipeline's use only FILL and IF."""
    queries = {query["id"]: query for query in alarm.inputs["metricQueries"]}
    (result,) = (query for query in queries.values() if query["returnData"])
    names = {
        key: values.get(query["metric"]["metricName"])
        for key, query in queries.items()
        if query is not result
    }
    expression = result["expression"].replace("IF(", "either(")
    functions = {
        "FILL": lambda value, default: default if value is None else value,
        "either": lambda condition, yes, no: yes if condition else no,
    }
    try:
        return float(eval(expression, {"__builtins__": {}}, {**functions, **names}))  # noqa: S307 - our own text
    except ZeroDivisionError:  # CloudWatch drops such a data point: missing, so not breaching
        return 0
