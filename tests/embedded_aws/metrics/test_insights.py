"""What queries of Logs Insights find in log events."""

import json

import pytest

from embedded_aws.metrics.insights import InsightsError, evaluate, sources

EVENTS = [
    "START RequestId: 1",
    json.dumps({"object_key": "a", "status": "PUBLISHED", "milliseconds": {"total": 30.5}}),
    json.dumps(
        {"object_key": "b", "status": "BLOCKED", "reason": "policy_block", "milliseconds": {"total": 9}}
    ),
    json.dumps(
        {"object_key": "c", "status": "BLOCKED", "reason": "policy_block", "milliseconds": {"total": 100}}
    ),
    json.dumps({"object_key": "d", "status": "REJECTED", "reason": "corrupt"}),
    json.dumps({"message": "message handed back: SlowDown | again", "object_key": "a"}),
    json.dumps([1]),
]


@pytest.mark.parametrize(
    ("query", "columns", "rows"),
    [
        (
            "SOURCE 'one' | SOURCE 'two' | filter ispresent(object_key) and status != 'PUBLISHED'"
            " | stats count(*) as objects by status, reason | sort objects desc | limit 20",
            ("status", "reason", "objects"),
            (("BLOCKED", "policy_block", 2), ("REJECTED", "corrupt", 1)),
        ),
        (
            "filter ispresent(status) | fields object_key, milliseconds.total as milliseconds"
            " | sort milliseconds desc | limit 3",
            ("object_key", "milliseconds"),
            (("c", 100), ("a", 30.5), ("b", 9)),
        ),
        (
            "filter ispresent(status) | fields object_key, milliseconds.total as took | sort took asc | limit 9",
            ("object_key", "took"),
            (("b", 9), ("a", 30.5), ("c", 100), ("d", None)),
        ),
        (
            "filter message like 'handed back: SlowDown |' | stats count(*) as messages by message",
            ("message", "messages"),
            (("message handed back: SlowDown | again", 1),),
        ),
        (
            "filter status = 'PUBLISHED' or reason like /^cor/ | stats count(*) as n, max(milliseconds.total) as most",
            ("n", "most"),
            ((2, 30.5),),
        ),
        ("filter milliseconds.total >= 30 | stats avg(milliseconds.total) as mean", ("mean",), ((65.25,),)),
        ("filter nothing = 'of it' | stats count(*) as n by status", ("status", "n"), ()),
    ],
)
def test_a_query_finds_what_logs_insights_would(
    query: str, columns: tuple[str, ...], rows: tuple[tuple[object, ...], ...]
) -> None:
    found = evaluate(query, EVENTS)
    assert (found.columns, found.rows) == (columns, rows)


@pytest.mark.parametrize(
    "query",
    [
        "parse @message 'x' as y",
        "filter a",
        "filter a = b",
        "stats pct(a, 95) as p by b",
        "sort a",
        "fields a as",
        'filter a = "b"',
    ],
)
def test_what_is_not_evaluated_is_an_error_and_never_a_table(query: str) -> None:
    with pytest.raises(InsightsError):
        evaluate(query, EVENTS)


def test_a_query_names_its_sources() -> None:
    assert sources("SOURCE 'a/b' | SOURCE 'c' | limit 1") == ["a/b", "c"]
