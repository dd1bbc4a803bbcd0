"""The speedups of moto answer what moto itself answers."""

from copy import deepcopy
from typing import Any
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st
from moto.dynamodb.models.dynamo_type import DynamoType

from tests.fixtures.moto_speedups import speed_up_moto

Patch: Any = vars(mock)["_patch"]
PATCHED = {"cast_value", "__deepcopy__", "size", "to_regular_json"}
TEXT = st.text(max_size=8)
NUMBER = st.decimals(allow_nan=False, allow_infinity=False, places=3).map(str)
PLAIN = st.one_of(
    TEXT.map(lambda value: {"S": value}),
    NUMBER.map(lambda value: {"N": value}),
    st.sampled_from([{"NULL": True}, {"B": "aGk="}]),
    st.booleans().map(lambda value: {"BOOL": value}),
    st.lists(TEXT, unique=True, max_size=3).map(lambda value: {"SS": value}),
    st.lists(NUMBER, unique=True, max_size=3).map(lambda value: {"NS": value}),
)
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda value: {"L": value}),
        st.dictionaries(TEXT, inner, max_size=3).map(lambda value: {"M": value}),
    ),
    max_leaves=8,
)


def answers(attribute: DynamoType) -> dict[str, Any]:
    copied = deepcopy(attribute)
    return {
        "size": attribute.size(),
        "json": attribute.to_regular_json(),
        "value": attribute.cast_value,
        "copied": copied.to_regular_json(),
        "is another": copied is not attribute,
    }


@given(VALUES)
def test_attributes_are_sized_copied_and_written_as_by_moto(value: dict[str, Any]) -> None:
    attribute = DynamoType(value)
    expected = answers(attribute)
    patches: list[Any] = [
        patch for patch in speed_up_moto() if isinstance(patch, Patch) and patch.getter() is DynamoType
    ]
    assert {patch.attribute for patch in patches} == PATCHED
    for patch in patches:
        patch.start()
    try:
        assert answers(attribute) == expected
    finally:
        for patch in reversed(patches):
            patch.stop()
