"""Why a release is refused."""

import pulumi


class ReleaseError(pulumi.RunError):
    """What is wrong with the checkout, the version or the tag, and how to fix it."""
