"""moto lists its own folder on disk to name its services, twice for every request; the names stay the same."""

from embedded_aws.moto_replacement import replace


def apply() -> None:
    """List them once."""
    from moto import backends

    names = tuple(backends.list_of_moto_modules())
    replace(backends, "list_of_moto_modules", lambda: names)
