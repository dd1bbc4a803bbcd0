"""Resources that the checks of `behaviours` work with."""

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

Clients = Callable[[str], Any]
REGION = "eu-central-1"
ACCOUNT = "123456789012"


def zipped(text: str = "def handler(event, context): pass") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("m.py", text)
    return buffer.getvalue()


def allow(principal: str, action: str, resource: str | list[str], **condition: Any) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": principal},
        "Action": action,
        "Resource": resource,
    }
    if condition:
        statement["Condition"] = condition
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def function(clients: Clients, **settings: Any) -> Any:
    """Create the function `f`; returns the client."""
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = {"Version": "2012-10-17", "Statement": [trust]}
    role = clients("iam").create_role(RoleName="worker", AssumeRolePolicyDocument=json.dumps(policy))
    send = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}
    clients("iam").put_role_policy(
        RoleName="worker",
        PolicyName="send",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [send]}),
    )
    functions = clients("lambda")
    functions.create_function(
        FunctionName="f",
        Role=role["Role"]["Arn"],
        Runtime="python3.13",
        Handler="m.handler",
        Code={"ZipFile": zipped()},
        **settings,
    )
    return functions


def queue(clients: Clients, name: str = "q") -> tuple[str, str]:
    """Create a queue to which S3 may send; returns its URL and ARN."""
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
    policy = allow("s3.amazonaws.com", "sqs:SendMessage", arn)
    return clients("sqs").create_queue(QueueName=name, Attributes={"Policy": policy})["QueueUrl"], arn


def bucket(clients: Clients, name: str = "a-bucket", *, versioned: bool = False) -> Any:
    """Create a bucket; returns the client."""
    s3 = clients("s3")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    if versioned:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return s3


def watched_bucket(clients: Clients) -> tuple[Any, Callable[[], list[dict[str, Any]]]]:
    """Create a versioned bucket; returns the client, and what gives its events since the last call."""
    url, arn = queue(clients)
    s3 = bucket(clients, versioned=True)
    notification = {"QueueArn": arn, "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]}
    s3.put_bucket_notification_configuration(
        Bucket="a-bucket", NotificationConfiguration={"QueueConfigurations": [notification]}
    )

    def events() -> list[dict[str, Any]]:
        found = []
        while (
            messages := clients("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages")
        ):
            for message in messages:
                found += json.loads(message["Body"]).get("Records", [])
                clients("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found

    events()
    return s3, events


def names(records: list[dict[str, Any]]) -> list[str]:
    return [record["eventName"] for record in records]


def rest_api(clients: Clients) -> tuple[Any, str]:
    gateway = clients("apigateway")
    return gateway, gateway.create_rest_api(name="api")["id"]


def document(**more: Any) -> bytes:
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"
    integration = {
        "type": "aws_proxy",
        "httpMethod": "POST",
        "uri": f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{arn}/invocations",
    }
    operation = {"responses": {}, "x-amazon-apigateway-integration": integration}
    parameter = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    paths = {"/things/{id}": {"parameters": [parameter], "get": operation}}
    return json.dumps(
        {"openapi": "3.0.1", "info": {"title": "api", "version": "1"}, "paths": paths, **more}
    ).encode()


def stage(clients: Clients) -> tuple[Any, str]:
    gateway, api = rest_api(clients)
    gateway.put_rest_api(
        restApiId=api, mode="overwrite", body=document().replace(b'"parameters"', b'"summary"')
    )
    deployment = gateway.create_deployment(restApiId=api)["id"]
    gateway.create_stage(restApiId=api, stageName="v1", deploymentId=deployment)
    return gateway, api
