"""Keep this process away from any real AWS account while a world is open.

Whatever `AWS_*` the machine has set (credentials, profiles, a CA bundle, an endpoint) is removed, the SDK's
files and the instance metadata service are out of reach, and every client made without an endpoint of its own
connects to the world.
"""

import os
from collections.abc import Mapping

LOOPBACK = "127.0.0.1"
_NO_PROXY = f"{LOOPBACK},localhost"

ACCOUNT_ID = "123456789012"  # moto's account for every key that it did not issue itself
ADMIN_ACCESS_KEY_ID = "AKIALOCALADMIN000000"
ADMIN_SECRET_ACCESS_KEY = "local-administrator-of-the-embedded-aws"  # noqa: S105 - opens nothing but the world


def sdk_environment(
    *,
    endpoint_url: str,
    region: str,
    access_key_id: str = ADMIN_ACCESS_KEY_ID,
    secret_access_key: str = ADMIN_SECRET_ACCESS_KEY,
    session_token: str | None = None,
) -> dict[str, str]:
    """Return all variables that an AWS SDK needs to connect to the world and to nothing else.

    Profiles and shared files are pointed at the null device, so that neither a user's `~/.aws` nor an SSO
    session is read; loopback never goes through a proxy (urllib3 would honour `HTTP_PROXY` for it).
    """
    environment = {
        "AWS_ACCESS_KEY_ID": access_key_id,
        "AWS_SECRET_ACCESS_KEY": secret_access_key,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
        "NO_PROXY": _NO_PROXY,
        "no_proxy": _NO_PROXY,
    }
    if session_token is not None:
        environment["AWS_SESSION_TOKEN"] = session_token
    return environment


def without_aws(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without what an AWS SDK (`AWS_*`, `BOTO_*`) or moto (`MOTO_*`) would read."""
    return {
        name: value
        for name, value in environment.items()
        if not name.upper().startswith(("AWS_", "BOTO_", "MOTO_"))
    }


class Isolation:
    """Swaps this process's environment for one that knows only the world, and puts it back."""

    def __init__(self) -> None:
        self._original: dict[str, str] | None = None

    def begin(self) -> None:
        """Put all `AWS_*` aside. Nothing of it is read by any client made from here on."""
        self._original = dict(os.environ)
        clean = without_aws(os.environ)
        for name in set(os.environ) - set(clean):
            del os.environ[name]

    def point_at(self, environment: Mapping[str, str]) -> None:
        """Make SDK clients of this process connect to the world."""
        os.environ.update(environment)

    def end(self) -> None:
        """Restore what `begin` found; what the process itself set meanwhile, other than AWS's, stays."""
        if self._original is None:
            return
        touched = {"NO_PROXY", "no_proxy"}
        for name in list(os.environ):
            if name in touched or name not in without_aws({name: ""}):
                del os.environ[name]
        for name, value in self._original.items():
            if name in touched or name not in without_aws({name: ""}):
                os.environ[name] = value
        self._original = None
