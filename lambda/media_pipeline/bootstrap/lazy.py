"""Builds a function's worker at its first event: the time-out and the environment are known then."""

from collections.abc import Callable
from typing import Any

from media_pipeline.invocation import LambdaContext

Worker = Callable[[dict[str, Any], LambdaContext], Any]


def built_on_first_call(build: Callable[[float], Worker]) -> Worker:
    """Return a handler that builds its worker once per execution environment.

    `build` gets the seconds that the first invocation has left: the function's time-out.
    """
    worker: Worker | None = None

    def handler(event: dict[str, Any], context: LambdaContext) -> Any:
        nonlocal worker
        if worker is None:
            worker = build(context.get_remaining_time_in_millis() / 1000)
        return worker(event, context)

    return handler
