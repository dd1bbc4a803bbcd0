"""What the Pulumi program registers, from a run under the recording engine of the tests."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from components.stack_files import StackFiles
from tests.components.recording import PROJECT, Recording, run_program, without_packaging

STACKS = ("dev", "prod")


def record() -> Mapping[str, Recording]:
    """Return what the program of each stack in this repository registers, by the stack's name.

    With an address that alarms are sent to (without one, a stack has only the essential alarms) and all functions.
    """
    told = {
        "notify": {"alerts": ["you@example.com"], "results": []},
        "reconcile": "daily",
        "review": {"console": True, "approvals": {"Explicit": 2}},
    }
    with tempfile.TemporaryDirectory() as folder, without_packaging(Path(folder)):
        return {stack: run_program(StackFiles.read(PROJECT, stack, told)) for stack in STACKS}
