"""The official schema of CycloneDX 1.6, which comes with cyclonedx-python-lib."""

import json
from functools import cache
from importlib import resources
from typing import Any

from jsonschema import Draft7Validator  # type: ignore[import-untyped]
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

ADDRESS = "http://cyclonedx.org/schema/"
BOM, *OTHERS = (f"{name}.SNAPSHOT.schema.json" for name in ("bom-1.6", "spdx", "jsf-0.82"))


def _read(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(
        (resources.files("cyclonedx.schema") / "_res" / name).read_text("utf-8")
    )
    return read


@cache
def _validator() -> Draft7Validator:
    others = [(ADDRESS + name, Resource.from_contents(_read(name), DRAFT7)) for name in OTHERS]
    return Draft7Validator(_read(BOM), registry=Registry().with_resources(others))


def problems(bill: dict[str, Any]) -> list[str]:
    """Return what the schema does not allow in a bill of materials."""
    return [f"{error.json_path}: {error.message}" for error in _validator().iter_errors(bill)]
