"""Check what no single key of `notify.webhooks` shows: an endpoint, or a status of one, that is given twice."""

from collections.abc import Iterator

from components.config_errors import Path, Problem
from components.repeated_entries import as_object, field_twice, twice

_GROUP: Path = ("notify", "webhooks")


def check(webhooks: object) -> Iterator[Problem]:
    """Check the list; SNS subscribes an endpoint to a topic once, with one filter."""
    allowed = "each endpoint once, with all its statuses: SNS subscribes an endpoint to a topic once"
    yield from field_twice(_GROUP, webhooks, "url", allowed=allowed)
    for index, entry in enumerate(webhooks if isinstance(webhooks, list | tuple) else ()):
        yield from twice((*_GROUP, index, "statuses"), as_object(entry).get("statuses"))
