"""Stop the workers from taking uploads out of their queues, and let them go on."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from operations.errors import OperationsError
from operations.stack import StackOutputs

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

WORKERS: Final = ("process_image_function", "process_video_function")
"""Outputs with the names of the functions that process uploads; what reads dead letters and outcomes always goes on."""
_LOOK_SECONDS: Final = 2.0


@dataclass(frozen=True, kw_only=True)
class Mapping:
    """What feeds a worker from its queue: Lambda's id of it, and its state in Lambda's words, such as `Enabled`."""

    function: str
    uuid: str
    state: str

    @property
    def takes(self) -> bool:
        """Whether the worker takes messages, or is about to."""
        return self.state in ("Enabled", "Enabling", "Creating")


@dataclass(frozen=True, kw_only=True)
class Intake:
    """The workers of a stack. Messages of uploads that nobody takes wait in their queues."""

    awslambda: "LambdaClient"
    outputs: StackOutputs
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def mappings(self) -> Iterator[Mapping]:
        """Yield what feeds each worker. Raises what boto3 raises."""
        named = [self.outputs.named[output] for output in WORKERS if output in self.outputs.named]
        pages = self.awslambda.get_paginator("list_event_source_mappings").paginate()
        entries = [entry for page in pages for entry in page["EventSourceMappings"]]
        for function in named:
            for entry in entries:
                if entry["FunctionArn"].split(":")[6] == function:
                    yield Mapping(function=function, uuid=entry["UUID"], state=entry["State"])

    def switch(self, *, takes: bool, wait: float) -> list[Mapping]:
        """Let the workers take messages or not, wait up to `wait` seconds for Lambda to do it, return their state.

        What a worker has taken already it finishes. Raises OperationsError where there is no worker, or where it takes
        longer.
        """
        found = list(self.mappings())
        if not found:
            raise OperationsError("the stack's outputs name no function that takes uploads; is the stack up?")
        for mapping in found:
            if mapping.takes is not takes or mapping.state not in ("Enabled", "Disabled"):
                self.awslambda.update_event_source_mapping(UUID=mapping.uuid, Enabled=takes)
        wanted, until = "Enabled" if takes else "Disabled", self.clock() + wait
        while True:
            found = list(self.mappings())
            if all(mapping.state == wanted for mapping in found):
                return found
            if self.clock() > until:
                states = ", ".join(f"{mapping.function} is {mapping.state}" for mapping in found)
                raise OperationsError(
                    f"after {wait:.0f} s {states}; it may take Lambda a minute: run it again"
                )
            self.sleep(_LOOK_SECONDS)
