"""What somebody deleted by hand, and what `--replace` makes anew, can be created again: a resource of each type."""

from typing import Any

from embedded_aws.resources import HANDLERS
from tests.engine.operator_session import NO_CHANGES, OperatorSession

QUEUES = ("-images", "-videos-dead-letters")
# The account's settings are looked up and not made.
NOT_DELETED = frozenset({"aws:apigateway/account:Account"})


Resource = dict[str, Any]


def one_of_each(session: OperatorSession) -> list[Resource]:
    """Return one resource of each type in the state, the last."""
    made = [each for each in session.state() if each["type"] in HANDLERS and each["type"] not in NOT_DELETED]
    return list({each["type"]: each for each in made}.values())


def delete_by_hand(session: OperatorSession, resource: Resource) -> None:
    handler = HANDLERS[resource["type"]](session.aws)
    if resource["type"] == "aws:iam/role:Role":  # IAM deletes none that has policies
        iam = session.aws.client("iam")
        for policy in iam.list_role_policies(RoleName=resource["id"])["PolicyNames"]:
            iam.delete_role_policy(RoleName=resource["id"], PolicyName=policy)
    handler.delete(resource["id"], {**resource["inputs"], **resource["outputs"]})


def up_again(session: OperatorSession) -> None:
    session.pulumi("refresh", "--yes", "--skip-preview")
    session.up()


def is_quiet(session: OperatorSession) -> None:
    assert session.preview("--expect-no-changes") == NO_CHANGES


def test_a_queue_and_the_dead_letters_of_another_are_created_again(deployed: OperatorSession) -> None:
    for ending in QUEUES:
        (queue,) = (
            each
            for each in deployed.state()
            if each["type"].endswith(":Queue") and each["urn"].endswith(ending)
        )
        delete_by_hand(deployed, queue)
    up_again(deployed)
    outputs = deployed.outputs()
    sqs = deployed.aws.client("sqs")
    for name in ("images", "videos"):
        given = sqs.get_queue_attributes(
            QueueUrl=outputs[f"{name}_queue_url"], AttributeNames=["RedrivePolicy"]
        )
        dead = outputs[f"{name}_dead_letters_url"].rsplit("/", 1)[-1]
        assert dead in given["Attributes"]["RedrivePolicy"]


def test_one_resource_of_each_type_deleted_by_hand_is_created_again(deployed: OperatorSession) -> None:
    for resource in reversed(one_of_each(deployed)):
        delete_by_hand(deployed, resource)
    up_again(deployed)
    is_quiet(deployed)


def test_one_resource_of_each_type_can_be_replaced(deployed: OperatorSession) -> None:
    chosen = one_of_each(deployed)
    deployed.up(*(f"--replace={resource['urn']}" for resource in chosen))
    is_quiet(deployed)
    # What AWS has now, not what the engine was told: the delete of an old setting could have taken the new one away.
    deployed.pulumi("refresh", "--preview-only", "--expect-no-changes")
