"""Records as DynamoDB items: what goes in comes out, in the types that boto3's own serializer gives."""

from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer

from media_pipeline.records.record import Status, from_item, to_item

BASE = {"object_key": "a", "sequencer": "0", "status": Status.FAILED}


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Grüße 🌸",
        0,
        -7,
        10**15,
        True,
        False,
        None,
        Decimal("1800000066.123"),
        ["a", 1, [None]],
        ("x", True),
        {"a": {"b": [1, {"c": None}]}},
        Status.REVIEW,
    ],
)
def test_values_are_typed_as_by_boto3(value: Any) -> None:
    assert to_item({"v": value})["v"] == TypeSerializer().serialize(value)


@pytest.mark.parametrize("value", [0.5, 95.12, 1e-7, 123456789.125, 0.1 + 0.2])
def test_floats_come_back_exactly(value: float) -> None:
    assert from_item(to_item({**BASE, "v": value})).attributes["v"] == value


@pytest.mark.parametrize("value", ["x", 3, True, None, [1, "a"], {"a": [1.5, None]}])
def test_what_goes_in_comes_out(value: Any) -> None:
    found = from_item(to_item({**BASE, "v": value})).attributes["v"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("value", [b"x", {1, 2}, object()])
def test_type_that_a_record_cannot_hold_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="cannot hold"):
        to_item({"v": value})
