"""`python -m tests.engine.fixtures VERSION`: saves the present state of the dev stack as `fixtures/VERSION.json`.

Run it once for each released version, with `pulumi` on PATH (docs/maintainer/releasing.md). Everything that depends on
the machine, the day or the run is left out: stack traces, times, paths of archives, secrets and their key.
"""

import json
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "fixtures"
_OF_THE_RUN = frozenset(
    {"stackTrace", "sourcePosition", "created", "modified", "secrets_providers", "manifest"}
)
_NO_SECRET = "a secret of a stack that is no more"
_ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7"


def main(name: str) -> None:
    """Deploy the dev stack, export its state and write the file."""
    from tests.engine.operator_session import operator_session

    with operator_session("dev") as session:
        session.up()
        kept = _lasting(session.export())
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{name}.json"
    path.write_text(json.dumps(kept, separators=(",", ":"), sort_keys=True) + "\n", "utf-8")
    print(f"{path}: {path.stat().st_size} bytes")


def _lasting(value: Any) -> Any:
    if isinstance(value, dict):
        if _ARCHIVE in value.values():
            value = {key: inner for key, inner in value.items() if key != "path"}
        if "ciphertext" in value:  # only the key that is left out could read it
            return _NO_SECRET
        return {key: _lasting(inner) for key, inner in value.items() if key not in _OF_THE_RUN}
    if isinstance(value, list):
        return [_lasting(inner) for inner in value]
    return value


if __name__ == "__main__":
    main(sys.argv[1])
