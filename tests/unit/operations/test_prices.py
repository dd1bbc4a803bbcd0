"""The prices stand in one file; what the documents say of them follows."""

import re
from pathlib import Path

import pytest

from operations.prices import Prices

COST = Path(__file__).parents[3] / "docs" / "operator" / "cost.md"
ROWS = {  # how cost.md describes a unit: (kind in prices.toml, how many of it)
    "1,000 pictures judged": ("rekognition_request", 1_000),
    "1,000 PUT, COPY, POST or LIST requests": ("s3_write", 1_000),
    "1,000 GET or HEAD requests": ("s3_read", 1_000),
    "1,000,000 GB-seconds": ("lambda_gigabyte_second", 1_000_000),
    "1,000,000 write request units": ("dynamodb_write_unit", 1_000_000),
    "one alarm metric a month": ("alarm_metric_month", 1),
    "1,000,000 requests": ("sqs_request", 1_000_000),
    "100,000 requests for objects, readers' included": ("trail_event", 100_000),
    "1,000 invalidation paths, beyond the first 1,000 of a month": ("invalidation_path", 1_000),
}


def test_the_document_of_costs_has_the_prices_of_the_file() -> None:
    text = COST.read_text().partition("## What a picture costs")[0]
    table = dict(re.findall(r"^\| [^|]+ \| ([^|]+) \| ([\d.]+) \|$", text, re.MULTILINE))
    prices = Prices.read()
    assert table.keys() == ROWS.keys()
    for unit, dollars in table.items():
        kind, count = ROWS[unit]
        assert float(dollars) == pytest.approx(prices.cost({kind: count}), rel=0.001), unit


def test_a_kind_of_unit_without_a_price_is_an_error_and_not_free() -> None:
    with pytest.raises(KeyError, match="moonlight"):
        Prices.read().cost({"moonlight": 1})
