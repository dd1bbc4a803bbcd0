"""Check what no single key of `notify.webhooks` shows: an endpoint, or a status of one, that is given twice."""

from collections.abc import Iterator

from components.config_errors import Path, Problem, key_path, remove_command, show
from components.repeated_entries import as_object, twice

_GROUP: Path = ("notify", "webhooks")


def check(webhooks: object) -> Iterator[Problem]:
    """Check the list; SNS subscribes an endpoint to a topic once, with one filter."""
    seen: set[str] = set()
    for index, entry in enumerate(webhooks if isinstance(webhooks, list | tuple) else ()):
        path, webhook = (*_GROUP, index), as_object(entry)
        url = webhook.get("url")
        if isinstance(url, str) and url in seen:
            yield Problem(
                key=key_path((*path, "url")),
                given=f"{show(url)} is given twice",
                allowed="each endpoint once, with all its statuses: SNS subscribes an endpoint to a topic once",
                fix=remove_command(path),
            )
        seen.add(str(url))
        yield from twice((*path, "statuses"), webhook.get("statuses"))
