"""`reconcile` on an operator's machine: the code that the scheduled function runs, on the stack of some outputs."""

import sys
from pathlib import Path

from operations.errors import OperationsError
from operations.stack import StackOutputs

_CODE = str(Path(__file__).parent.parent / "lambda")
if _CODE not in sys.path:  # the functions' code is deployed as it is and installed nowhere
    sys.path.append(_CODE)

from media_pipeline.events import FIRST_SEQUENCER, REDRIVE_SOURCE  # noqa: E402 - found in the folder above
from media_pipeline.reconciliation import Difference, Finding, Places, Reconcile  # noqa: E402 - as well

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
    if outputs.renditions_bucket is None:
        raise OperationsError("the stack's outputs have no renditions_bucket; `pulumi up` writes it")
    return Places(
        uploads_bucket=outputs.uploads_bucket,
        renditions_bucket=outputs.renditions_bucket,
        records_table=outputs.records_table,
        images_queue_url=outputs.images_queue_url,
    )
