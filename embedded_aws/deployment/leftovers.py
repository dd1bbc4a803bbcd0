"""What a world still holds, found by looking at the world itself, type by type."""

from embedded_aws.resources import HANDLERS
from embedded_aws.resources.base import Aws


def find_leftovers(aws: Aws) -> list[str]:
    """Return the ARNs of everything that exists of the types that the embedded AWS has, sorted.

    What is removed with something else (`removed_with`), such as a role's inline policies, is not listed by itself.
    """
    listed = (
        handler
        for handler in HANDLERS.values()
        if handler.removed_with is None and not handler.of_the_account
    )
    return sorted(arn for handler in listed for arn in handler.existing(aws))
