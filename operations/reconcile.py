"""`reconcile` on an operator's machine: the code that the scheduled function runs, on the stack of some outputs."""

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
    "places",
]


def places(outputs: StackOutputs) -> Places:
    """Return what is compared; raises OperationsError where the outputs lack one."""
    return Places(
        uploads_bucket=outputs.uploads_bucket,
        renditions_bucket=outputs.renditions,
        records_table=outputs.records_table,
        images_queue_url=outputs.images_queue_url,
    )
