"""What the Pulumi program registers for both stacks, as they are and with every option on and off."""

import tempfile
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

with warnings.catch_warnings():
    # pulumi_aws loads these at first use, and deprecates aliases of its own meanwhile.
    warnings.simplefilter("ignore", DeprecationWarning)
    import pulumi_aws as aws

    LOADED = (aws.s3.Bucket, aws.lambda_.Function)

from components.stack_files import StackFiles
from tests.components.recording import PROJECT, Recording, run_program, without_packaging
from tests.local.deployed.test_transitions import CONFIGURATIONS, every_option, values

STACKS: Final = ("dev", "prod")
AS_SHIPPED: Final = "as shipped"
_LOGS_ROLE: Final = "arn:aws:iam::123456789012:role/logs-of-apis"


@dataclass(frozen=True)
class Audited:
    """One stack in one configuration."""

    name: str
    stack: str
    settings: Mapping[str, Any]
    recording: Recording

    @property
    def prefix(self) -> str:
        """Return what all names of the stack begin with."""
        return f"media-pipeline-{self.stack}"


def record() -> Iterator[Audited]:
    """Yield both stacks as shipped, in each configuration of the tests of transitions, and with every option at once.

    But for `dev` as shipped, in an account that lets API Gateway write logs: only there the APIs have access logs.
    """
    with tempfile.TemporaryDirectory() as folder, without_packaging(Path(folder)):
        yield _audited(f"dev {AS_SHIPPED}, in an account without logs of API Gateway", "dev", {}, "")
        for stack in STACKS:
            yield _audited(f"{stack} {AS_SHIPPED}", stack, {}, _LOGS_ROLE)
            for name in CONFIGURATIONS:
                yield _audited(f"{stack}, {name}", stack, values(name), _LOGS_ROLE)
            yield _audited(f"{stack}, every option", stack, every_option(), _LOGS_ROLE)


def _audited(name: str, stack: str, overrides: Mapping[str, Any], role: str) -> Audited:
    files = StackFiles.read(PROJECT, stack, overrides)
    settings = dict(_flat("", files.values))
    return Audited(name, stack, {**settings, "account.logs": bool(role)}, run_program(files, role))


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield every key of a stack's file with its value, `media-pipeline:` left out, groups joined by a dot."""
    if prefix:
        yield prefix, value
    if isinstance(value, Mapping):
        for key, inner in value.items():
            own = str(key).removeprefix("media-pipeline:")
            yield from _flat(f"{prefix}.{own}" if prefix else own, inner)
