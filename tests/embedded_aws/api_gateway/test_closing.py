"""The server of the APIs ends at once, whatever its clients do."""

import threading
import time
from pathlib import Path

from embedded_aws.api_gateway.http_front import ApiFront
from embedded_aws.runtime.functions import Functions
from embedded_aws.world import World

from .connection import Connection
from .sample import make_api


def test_closing_ends_at_once_also_while_clients_wait(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    with World() as world, Functions(world, cache=tmp_path) as functions:
        with ApiFront(world, functions.invoke) as front:
            api = make_api(world)
            waiting, idle = Connection(front.url), Connection(front.url)
            waiting.send("POST /dev/v1/things?answer=sleep HTTP/1.1", "Host: x", f"x-api-key: {api.key}")
            while not any(one.request_id for one in functions.environments()):
                time.sleep(0.01)
            began = time.monotonic()
        assert world.api_endpoint is None
        functions.close()
        assert time.monotonic() - began < 1.5
        assert idle.ended()
        waiting.close()
        idle.close()
    end = time.monotonic() + 3
    while (left := [thread for thread in set(threading.enumerate()) - before if thread.is_alive()]) and (
        time.monotonic() < end
    ):
        time.sleep(0.02)
    assert left == []
