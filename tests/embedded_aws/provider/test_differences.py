"""Which properties differ, and whether AWS shows what was given."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded_aws.provider.differences import Change, as_shown, differences, same_meaning, top_level

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"a": 1}, {"a": 1.0}, {}),
        ({"a": 1}, {}, {"a": Change.REMOVED}),
        ({}, {"a": {"b": 1}}, {"a": Change.ADDED}),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, {"a.b": Change.CHANGED}),
        ({"a": [1, 2]}, {"a": [1, 3, 4]}, {"a[1]": Change.CHANGED, "a[2]": Change.ADDED}),
        ({"a": [{"b": 1}]}, {"a": []}, {"a[0]": Change.REMOVED}),
        ({"t": {"x.y": 1}}, {"t": {"x.y": 2}}, {'t["x.y"]': Change.CHANGED}),
        ({"a": "1"}, {"a": 1}, {"a": Change.CHANGED}),
    ],
)
def test_differences_have_the_innermost_path(old: Any, new: Any, expected: Any) -> None:
    assert dict(differences(old, new)) == expected


@given(VALUES)
def test_nothing_differs_from_itself(value: Any) -> None:
    assert list(differences({"value": value}, {"value": value})) == []
    assert same_meaning(value, value)


@pytest.mark.parametrize(("path", "top"), [("a", "a"), ("a.b", "a"), ("a[0].b", "a"), ('a["b.c"]', "a")])
def test_a_path_leads_into_one_input(path: str, top: str) -> None:
    assert top_level(path) == top


@pytest.mark.parametrize(
    ("given_value", "shown"),
    [
        ('{"b": [1, 2], "a": "x"}', '{"a":"x","b":[2,1]}'),
        ({"prefix": ""}, {}),
        ([{"id": "b"}, {"id": "a"}], [{"id": "a"}, {"id": "b"}]),
        ({"enabled": False}, {}),
        ("{no JSON", "{no JSON"),
    ],
)
def test_equivalent_settings_are_not_drift(given_value: Any, shown: Any) -> None:
    assert same_meaning(given_value, shown)
    assert as_shown({"it": given_value}, {"it": shown}) == {"it": given_value}


@pytest.mark.parametrize(
    ("given_value", "shown"),
    [({"a": "1"}, {"a": "1", "b": "2"}), ([1], [1, 2]), (False, True), ("{}", '{"a":1}'), ("30", 30)],
)
def test_another_value_is_drift(given_value: Any, shown: Any) -> None:
    assert as_shown({"it": given_value, "unseen": 1}, {"it": shown}) == {"it": shown, "unseen": 1}
