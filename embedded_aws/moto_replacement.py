"""How a patch takes the place of moto's own."""

from typing import Any


class MotoVersionError(RuntimeError):
    """The installed moto is not the one that the patches were written and tried for."""


def replace(owner: Any, name: str, made: Any) -> Any:
    """Put `made` in place of `owner.name`, and return what stood there.

    Raises MotoVersionError where there is nothing of that name: the patch would then mend nothing.
    """
    if not hasattr(owner, name):
        raise MotoVersionError(f"moto has no {owner.__name__}.{name} any more: the patch does not fit")
    before = getattr(owner, name)
    setattr(owner, name, made)
    return before
