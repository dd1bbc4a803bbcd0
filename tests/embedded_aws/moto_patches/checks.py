"""The register of checks: one for each patch of moto, by its name."""

from collections.abc import Callable

from botocore.exceptions import ClientError

from tests.embedded_aws.moto_patches.arrangements import Clients

Check = Callable[[Clients], bool]
_CHECKS: dict[str, Check] = {}


def check(function: Check) -> Check:
    """Register a check under its name."""
    _CHECKS[function.__name__] = function
    return function


def checks() -> dict[str, Check]:
    """Return all checks by name."""
    return dict(_CHECKS)


def outcomes(clients: Clients, fresh: Callable[[], None]) -> dict[str, bool]:
    """Return whether each behaviour is there; an error of the service counts as not. `fresh` empties the backend."""
    found = {}
    for name, one in _CHECKS.items():
        fresh()
        try:
            found[name] = one(clients)
        except (ClientError, NotImplementedError):
            found[name] = False
    return found
