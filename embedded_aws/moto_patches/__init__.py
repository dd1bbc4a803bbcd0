"""What moto does otherwise than AWS, mended: one module per service, each patch with its reason.

A patch reaches into moto's inside, so all of them are bound to the one moto version they were made for.
"""

from importlib.metadata import version

from embedded_aws.moto_patches.replacing import MotoVersionError

__all__ = ["MOTO_VERSION", "MotoVersionError", "apply"]

MOTO_VERSION = "5.2.5"

_applied = False


def apply() -> None:
    """Mend the imported moto, once per process.

    Raises MotoVersionError where another moto is installed: a patch that silently no longer fits would let a
    test pass that AWS would fail.
    """
    global _applied
    installed = version("moto")
    if installed != MOTO_VERSION:
        raise MotoVersionError(
            f"embedded_aws/moto_patches was made for moto {MOTO_VERSION}, but {installed} is installed: "
            "pin moto to that version again, or check each patch against the new one and raise MOTO_VERSION"
        )
    if _applied:
        return
    from embedded_aws.moto_patches import (
        alarms,
        apis,
        buckets,
        functions,
        queues,
        routing,
        s3_events,
        s3_listings,
        topics,
        versions,
    )
    from embedded_aws.rekognition import stand_in

    for module in (
        alarms,
        apis,
        buckets,
        functions,
        queues,
        routing,
        s3_events,
        s3_listings,
        topics,
        versions,
        stand_in,
    ):
        module.apply()
    _applied = True
