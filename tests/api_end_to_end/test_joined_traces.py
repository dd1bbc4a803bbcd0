"""The traces of the API and of the worker, which S3 does not join, are found together by the object's key."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.api_end_to_end.served_stack import ServedStack, key_of, photo, serve_stack

pytestmark = pytest.mark.long  # it deploys a stack of its own, with traces


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedStack]:
    with serve_stack(tmp_path_factory.mktemp("traced"), {"media-pipeline:tracing": True}) as served:
        yield served


def steps(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield document
    for child in document.get("subsegments", ()):
        yield from steps(child)


def test_every_step_about_an_upload_has_its_key_in_the_apis_trace_and_in_the_workers(
    traced: ServedStack,
) -> None:
    uploaded = traced.upload(photo(1))
    formed = traced.form(photo(2))
    traced.post_form(formed, photo(2))
    keys = [key_of(uploaded), key_of(formed)]
    traced.wait_for_outcomes(keys)
    for key, first in zip(keys, ("## store the picture", "## issue a form"), strict=True):
        found = [
            step
            for document in traced.served.functions.traces.segments()
            for step in steps(document)
            if step.get("annotations", {}).get("object_key") == key
        ]
        names = {step["name"] for step in found}
        assert {first, "## claim", "## fetch", "## render", "## moderate", "## publish"} <= names
        (record,) = (each for each in traced.records() if each["object_key"] == key)
        worker = {step.get("trace_id") for step in found if step["name"] == "## publish"}
        assert worker == {record["trace_id"]}, "the record names the trace of the last attempt"
        api = {step.get("trace_id") for step in found if step["name"] == first}
        assert api.isdisjoint(worker), "S3 starts another trace"
