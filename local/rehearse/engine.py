"""Find the Pulumi CLI, a separate program."""

import shutil
from typing import Final

INSTALLATION: Final = "https://www.pulumi.com/docs/iac/download-install/"


class NoEngineError(Exception):
    """There is no `pulumi` on PATH; the message says how to get one."""

    def __init__(self) -> None:
        super().__init__(
            "`pulumi` is not on PATH. The Pulumi CLI is installed apart from this project, as its makers\n"
            f"describe it at {INSTALLATION} - then open a new terminal and try again."
        )


def find_engine() -> str:
    """Return the path of `pulumi`; raises NoEngineError."""
    found = shutil.which("pulumi")
    if found is None:
        raise NoEngineError
    return found
