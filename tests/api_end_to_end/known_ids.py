"""Loaded by schemathesis: of the ids that it makes up, most become ones that the stack knows (KNOWN_IDS)."""

import os
import re
from typing import Any

import schemathesis  # type: ignore[import-not-found, unused-ignore]

KNOWN = os.environ["KNOWN_IDS"].split()
VALID = re.compile(r"[a-z2-7]{32}")  # what is no id at all stays so: it is to be refused


def map_path_parameters(_context: Any, path_parameters: dict[str, Any] | None) -> dict[str, Any] | None:
    """Schemathesis's name for it. What becomes of an id depends on the id alone, so that a run can be repeated."""
    made_up = str((path_parameters or {}).get("image_id", ""))
    chosen = sum(made_up.encode()) % (len(KNOWN) + 1)
    if path_parameters is None or not VALID.fullmatch(made_up) or chosen == len(KNOWN):
        return path_parameters
    return {**path_parameters, "image_id": KNOWN[chosen]}


schemathesis.hook(map_path_parameters)
