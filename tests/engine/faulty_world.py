"""`python -m tests.engine.faulty_world`: a served world with one fault, which the environment variable FAULT names.

`FAULT=refuse:<type>`: the first creation of that type fails. `FAULT=hang:<type>`: the first one is carried out, but
its answer takes a while.
"""

import os
import sys
import threading
import time
from typing import Any

from embedded_aws.resources import HANDLERS
from embedded_aws.resources.base import DeploymentRefusedError
from embedded_aws.serving.__main__ import main

HANG_SECONDS = 25  # long enough to wait for all other resources and then to kill the engine


def break_once(kind: str, type_name: str) -> None:
    """Patch the handler of a resource type so that its first creation fails or hangs."""
    handler: Any = HANDLERS[type_name]
    create, first, lock = handler.create, [True], threading.Lock()

    def faulty(self: Any, inputs: dict[str, Any]) -> str:
        with lock:
            is_first, first[0] = first[0], False
        if is_first and kind == "refuse":
            raise DeploymentRefusedError("ServiceUnavailable: please try again")
        made: str = create(self, inputs)
        if is_first:
            time.sleep(HANG_SECONDS)
        return made

    handler.create = faulty


if __name__ == "__main__":
    kind, _, type_name = os.environ["FAULT"].partition(":")
    break_once(kind, type_name)
    sys.exit(main())
