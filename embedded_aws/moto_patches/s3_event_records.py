"""An event's record is complete, and sent only where the destination's policy permits S3 to send.

AWS: a record has `userIdentity`, `requestParameters`, `responseElements`, the object's `sequencer` and, in a
versioned bucket, its `versionId`; `/` in a key is not encoded. (S3 User Guide, "Event message structure".)
moto: leaves all of these out, encodes `/`, and sends to queues and topics whatever their policies say.
"""

from embedded_aws.moto_replacement import replace
from embedded_aws.s3 import events


def apply() -> None:
    """Replace moto's sending; its deciding what is subscribed to stays."""
    from moto.s3 import notifications

    replace(notifications, "send_event", events.send)
    replace(notifications, "_get_test_event", events.test_event)
