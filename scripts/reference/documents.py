"""All documents of docs/reference/, by their file names."""

from collections.abc import Mapping

from scripts.reference import configuration, costs, deployment, outcomes
from scripts.reference.markdown import document, table
from tests.components.recording import Recording


def documents(stacks: Mapping[str, Recording]) -> dict[str, str]:
    """Return the text of every document by its path from docs/reference/.

    `stacks` has what the program of each stack registered, by the stack's name.
    """
    pages = {
        "configuration.md": configuration.keys(tuple(stacks)),
        "formats.md": configuration.formats(),
        "functions.md": deployment.functions(stacks),
        "outputs.md": deployment.outputs(stacks),
        "alarms.md": deployment.alarms(stacks),
        "metrics.md": outcomes.metrics(),
        "statuses.md": outcomes.statuses(),
        "reasons.md": outcomes.reasons(),
        "record.md": outcomes.record_fields(),
        "events.md": outcomes.events(),
    }
    return {
        "README.md": _index(pages),
        **pages,
        "../announcement.schema.json": outcomes.schema(),
        **costs.pages(stacks),
    }


def _index(pages: dict[str, str]) -> str:
    titles = {name: text.split("\n# ", 1)[1].split("\n", 1)[0] for name, text in pages.items()}
    rows = [(f"[{title}]({name})",) for name, title in titles.items()]
    return document(
        "Reference", "Complete lists, generated from the code by `make reference`.", table(("page",), rows)
    )
