"""`reconcile` on an operator's machine: the code that the scheduled function runs, on the stack of some outputs."""

from functools import partial

import boto3

from media_pipeline.edge import Edge
from media_pipeline.events import FIRST_SEQUENCER, REDRIVE_SOURCE
from media_pipeline.reconciliation import Difference, Finding, Places, Reconcile
from operations.stack import StackOutputs

__all__ = [
    "FIRST_SEQUENCER",
    "REDRIVE_SOURCE",
    "Difference",
    "Finding",
    "Places",
    "Reconcile",
    "edge",
    "of_stack",
    "places",
]


def places(outputs: StackOutputs) -> Places:
    """Return what is compared; raises OperationsError where the outputs lack one."""
    return Places(
        uploads_bucket=outputs.uploads_bucket,
        renditions_bucket=outputs.renditions,
        quarantine_bucket=outputs.quarantine,
        records_table=outputs.records_table,
        images_queue_url=outputs.images_queue_url,
    )


def of_stack(outputs: StackOutputs, rate: float) -> Reconcile:
    """Return what compares a stack, at most `rate` repairs a second; raises OperationsError as `places` does."""
    return Reconcile(
        places=places(outputs),
        s3=boto3.client("s3", region_name=outputs.region),
        dynamodb=boto3.client("dynamodb", region_name=outputs.region),
        sqs=boto3.client("sqs", region_name=outputs.region),
        rate=rate,
        edge=edge(outputs),
    )


def edge(outputs: StackOutputs) -> Edge | None:
    """Return the distribution in front of the renditions bucket, or None where a stack delivers without one."""
    address, distribution = outputs.named.get("cdn_url"), outputs.named.get("cdn_distribution")
    if not address or not distribution:
        return None
    return Edge(cloudfront=partial(boto3.client, "cloudfront"), distribution_id=distribution, address=address)
