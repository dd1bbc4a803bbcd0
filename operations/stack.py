"""A deployed stack as its outputs describe it, on AWS or in the embedded AWS."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from operations.errors import OperationsError

WANTED = ("uploads_bucket", "records_table", "images_queue_url")


@dataclass(frozen=True, kw_only=True)
class StackOutputs:
    """The outputs that operations need, and the stack's own region, which may differ from the shell's."""

    uploads_bucket: str
    records_table: str
    images_queue_url: str
    renditions_bucket: str | None = None  # None: outputs of a version before 0.2
    region: str | None = None  # None: not in the outputs, so the SDK's own default
    named: Mapping[str, str] = field(default_factory=dict)
    """All outputs that are text, by name."""

    @property
    def renditions(self) -> str:
        """Its renditions bucket. Raises OperationsError where the outputs lack it."""
        if self.renditions_bucket is None:
            raise OperationsError("the stack's outputs have no renditions_bucket; `pulumi up` writes it")
        return self.renditions_bucket

    @property
    def quarantine(self) -> str:
        """Its quarantine bucket. Raises OperationsError where the outputs lack it."""
        if "quarantine_bucket" not in self.named:
            raise OperationsError("the stack's outputs have no quarantine_bucket; `pulumi up` writes it")
        return self.named["quarantine_bucket"]

    @classmethod
    def find(cls, stack: str, outputs: Path | None) -> "StackOutputs":
        """Read them from a file of `pulumi stack output --json`, or ask Pulumi.

        Raises OperationsError that says how to fix it.
        """
        if outputs is not None:
            source, text = str(outputs), _read(outputs)
        else:
            source, text = f"`pulumi stack output --json --stack {stack}`", _ask_pulumi(stack)
        try:
            document = json.loads(text)
        except ValueError as error:
            raise OperationsError(f"{source} is not JSON: {error}") from error
        if not isinstance(document, dict):
            raise OperationsError(
                f"{source} is no JSON object with a stack's outputs; `pulumi stack output --json` writes one"
            )
        return cls.parse(document, source)

    @classmethod
    def parse(cls, document: Mapping[str, object], source: str) -> "StackOutputs":
        """Return the outputs in the document, a JSON object; `source` is named in the error.

        Raises OperationsError that lists the missing ones.
        """
        missing = [name for name in WANTED if not document.get(name)]
        if missing:
            raise OperationsError(
                f"{source} has no {', '.join(missing)}; is the stack up? `pulumi up` writes its outputs"
            )
        region = (str(document.get("events_topic_arn") or "").split(":")[3:4] or [""])[0]
        renditions = document.get("renditions_bucket")
        return cls(
            **{name: str(document[name]) for name in WANTED},
            renditions_bucket=str(renditions) if renditions else None,
            region=region or None,
            named={name: value for name, value in document.items() if isinstance(value, str)},
        )


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OperationsError(f"the outputs cannot be read: {error}") from error


def _ask_pulumi(stack: str) -> str:
    program = shutil.which("pulumi")
    if program is None:
        raise OperationsError(
            "`pulumi` is not on PATH, so the stack's outputs are unknown;"
            " install it, or pass a file of `pulumi stack output --json` with --outputs"
        )
    command = [program, "stack", "output", "--json", "--stack", stack, "--non-interactive"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise OperationsError(f"`{' '.join(['pulumi', *command[1:]])}` failed:\n{answer.stderr.strip()}")
    return answer.stdout
