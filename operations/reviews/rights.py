"""What somebody who reviews may do, as an IAM policy for one stack: to read, to show judged pictures, and to ask.

Nothing of it reaches a rendition or an original. Whoever has no more can ask for a decision, with evidence, and the
workers decide whether it is carried out.
"""

from typing import Any

from media_pipeline.reviews.asking import ASKED_ATTRIBUTES
from media_pipeline.reviews.evidence import EVIDENCE_PREFIX
from media_pipeline.reviews.waiting import ATTENTION_INDEX
from operations.errors import OperationsError
from operations.reviews.desk import places_of
from operations.stack import StackOutputs

NOT_RECORDS = "!*"  # partitions of the records table that hold notes


def policy(stack: str, outputs: StackOutputs) -> dict[str, Any]:
    """Return the policy document of a reviewer. Raises OperationsError where an output is missing."""
    places = places_of(stack, outputs)
    try:
        _, partition, _, region, account, _ = outputs.named["events_topic_arn"].split(":")
    except (KeyError, ValueError) as error:
        raise OperationsError(
            "the stack's outputs have no events_topic_arn; `pulumi up` writes it"
        ) from error
    table = f"arn:{partition}:dynamodb:{region}:{account}:table/{places.records_table}"
    quarantine = f"arn:{partition}:s3:::{places.quarantine_bucket}"
    queue = places.images_queue_url.rpartition("/")[2]
    records = {"ForAllValues:StringNotLike": {"dynamodb:LeadingKeys": [NOT_RECORDS]}}
    statements = [
        _allow("ListWhatWaits", ["dynamodb:Query"], f"{table}/index/{ATTENTION_INDEX}"),
        _allow("ReadRecords", ["dynamodb:GetItem", "dynamodb:Query"], table, records),
        _allow(
            "AskForDecisions",
            ["dynamodb:UpdateItem"],
            table,
            {**records, "ForAllValues:StringEquals": {"dynamodb:Attributes": list(ASKED_ATTRIBUTES)}},
        ),
        _allow("ShowJudgedPictures", ["s3:GetObject"], f"{quarantine}/*.review/*"),
        # Without it S3 answers 403 instead of 404 for a picture that has expired.
        _allow("TellExpiredFromForbidden", ["s3:ListBucket"], quarantine),
        _allow(
            "WriteEvidenceOnce",
            ["s3:PutObject"],
            f"arn:{partition}:s3:::{places.logs_bucket}/{EVIDENCE_PREFIX}*",
            {"Null": {"s3:if-none-match": "false"}},
        ),
        _allow("NotifyTheWorkers", ["sqs:SendMessage"], f"arn:{partition}:sqs:{region}:{account}:{queue}"),
    ]
    return {"Version": "2012-10-17", "Statement": statements}


def _allow(
    sid: str, actions: list[str], resource: str, condition: dict[str, Any] | None = None
) -> dict[str, Any]:
    statement: dict[str, Any] = {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": [resource]}
    return {**statement, "Condition": condition} if condition else statement
