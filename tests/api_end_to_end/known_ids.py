"""Loaded by schemathesis: replaces most ids that it generates by ids that exist in the stack (KNOWN_IDS)."""

import os
import re
from typing import Any

import schemathesis  # type: ignore[import-not-found, unused-ignore]

KNOWN = os.environ["KNOWN_IDS"].split()
VALID = re.compile(r"[a-z2-7]{32}")  # anything else stays as it is: the API must refuse it


def map_path_parameters(_context: Any, path_parameters: dict[str, Any] | None) -> dict[str, Any] | None:
    """Replace an id; the name is that of the hook. The result depends on the id alone, so a run can be repeated."""
    made_up = str((path_parameters or {}).get("image_id", ""))
    chosen = sum(made_up.encode()) % (len(KNOWN) + 1)
    if path_parameters is None or not VALID.fullmatch(made_up) or chosen == len(KNOWN):
        return path_parameters
    return {**path_parameters, "image_id": KNOWN[chosen]}


schemathesis.hook(map_path_parameters)
