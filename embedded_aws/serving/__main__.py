"""`python -m embedded_aws.serving --region eu-central-1`: serves until its standard input ends.

Once ready it prints one line of JSON: `{"provider_port": n, "environment": {"AWS_...": "..."}}`. Whoever started it
holds the other end of its input: when that process ends, however it does, so does the world.
"""

import argparse
import gc
import json
import logging
import signal
import sys
from pathlib import Path
from types import FrameType

from embedded_aws.serving.served_world import ServedWorld


def main() -> int:
    """Serve; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m embedded_aws.serving", description=__doc__)
    parser.add_argument("--region", required=True)
    parser.add_argument("--logs", type=Path, metavar="FOLDER", help="for what the functions print")
    parser.add_argument("--outbox", type=Path, metavar="FOLDER", help="for the e-mails that topics send")
    given = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    signal.signal(signal.SIGTERM, _leave)
    # moto makes millions of objects and few cycles, and what it has loaded stays: looking through it is for nothing.
    gc.freeze()
    gc.set_threshold(50_000, 10, 10)
    with ServedWorld(given.region, logs=given.logs, outbox=given.outbox) as served:
        ready = {"provider_port": served.provider.port, "environment": served.world.environment()}
        print(json.dumps(ready), flush=True)
        try:
            sys.stdin.buffer.read()
        except KeyboardInterrupt:
            return 130
        finally:
            gc.freeze()  # nor at the end
    return 0


def _leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
