"""A pipe of EventBridge from a queue to a bus, carried out: moto keeps pipes, and moves nothing through them.

Source, filter-less batch, input template and target are those of the pipe; the calls are made with its role's rights.
("Amazon EventBridge Pipes", "Input transformation": a body that is JSON is parsed before the template is applied.)
"""

import json
import re
from typing import Any

from embedded_aws.access.policies import trusts_service
from embedded_aws.world import Credentials, World


def carry_out(world: World, name: str) -> int:
    """Move what is in the queue once; return how many messages. Raises what the role may not do as ClientError."""
    pipe = world.client("pipes").describe_pipe(Name=name)
    assert pipe["DesiredState"] == "RUNNING"
    role = _session(world, pipe)
    sqs, events = world.client("sqs", role), world.client("events", role)
    url = sqs_url(world, pipe["Source"])
    batch = pipe["SourceParameters"]["SqsQueueParameters"]["BatchSize"]
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=batch).get("Messages", [])
    target = pipe["TargetParameters"]["EventBridgeEventBusParameters"]
    for message in messages:
        entry = {
            "EventBusName": pipe["Target"],
            "Source": target["Source"],
            "DetailType": target["DetailType"],
            "Detail": _transformed(pipe["TargetParameters"]["InputTemplate"], {"body": message["Body"]}),
        }
        assert events.put_events(Entries=[entry])["FailedEntryCount"] == 0
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return len(messages)


def sqs_url(world: World, arn: str) -> str:
    """Return a queue's URL."""
    return str(world.client("sqs").get_queue_url(QueueName=arn.rsplit(":", 1)[-1])["QueueUrl"])


def _session(world: World, pipe: Any) -> Credentials:
    name = pipe["RoleArn"].rsplit("/", 1)[-1]
    trust = world.client("iam").get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    context = {"aws:sourceaccount": world.account_id, "aws:sourcearn": pipe["Arn"]}
    assert trusts_service(trust, "pipes.amazonaws.com", context)
    assert not trusts_service(trust, "pipes.amazonaws.com", {**context, "aws:sourcearn": pipe["Arn"] + "2"})
    keys = world.client("sts").assume_role(RoleArn=pipe["RoleArn"], RoleSessionName="pipe")["Credentials"]
    return Credentials(
        access_key_id=keys["AccessKeyId"],
        secret_access_key=keys["SecretAccessKey"],
        session_token=keys["SessionToken"],
    )


def _transformed(template: str, message: dict[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        document = json.loads(message[found[1]])
        for part in filter(None, found[2].split(".")):
            document = document[part]
        return json.dumps(document)

    return re.sub(r"<\$\.(\w+)((?:\.\w+)*)>", value, template)
