"""How a request finds its service."""

from embedded_aws.moto_replacement import replace


def apply() -> None:
    """moto lists its own folder on disk to name its services, twice for every request; they stay the same."""
    from moto import backends

    names = tuple(backends.list_of_moto_modules())
    replace(backends, "list_of_moto_modules", lambda: names)
