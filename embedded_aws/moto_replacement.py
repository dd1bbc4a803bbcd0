"""How a hook or patch replaces something of moto's."""

from typing import Any


class MotoVersionError(RuntimeError):
    """The installed moto is not the one that hooks and patches were written for."""


def replace(owner: Any, name: str, made: Any) -> Any:
    """Set `owner.name` to `made`, and return what it was before.

    Raises MotoVersionError where there is nothing of that name: the replacement would have no effect.
    """
    if not hasattr(owner, name):
        raise MotoVersionError(f"moto has no {owner.__name__}.{name} any more: the patch does not fit")
    before = getattr(owner, name)
    setattr(owner, name, made)
    return before
