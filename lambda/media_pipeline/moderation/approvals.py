"""How many persons must approve what the policy withholds, by the labels that were found."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from media_pipeline.moderation.taxonomy import Taxonomy
from media_pipeline.moderation.verdicts import Label

DEFAULT = "default"  # of the rule: every label that it does not list


@dataclass(frozen=True, kw_only=True)
class ApprovalRule:
    """The configuration's `review.approvals`: numbers of persons by case-folded top-level label."""

    persons: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> "ApprovalRule":
        """Parse `{"default"?: 1, "Explicit"?: 2}`. Raises ValueError for a number below 1."""
        persons = {str(name).casefold(): int(number) for name, number in document.items()}
        if any(number < 1 for number in persons.values()):
            raise ValueError("at least one person approves")
        return cls(persons=persons)

    def needed(self, labels: Iterable[Label]) -> int:
        """Return how many different persons must approve a picture: the highest number of all of its labels."""
        if not self.persons:
            return 1
        default = self.persons.get(DEFAULT, 1)
        return max((self.persons.get(_top_level(label), default) for label in labels), default=default)


def _top_level(label: Label) -> str:
    """Return the case-folded name of the label's top level; of a label that the taxonomy lacks, by its parent's."""
    taxonomy = Taxonomy.load()
    name = label.name.casefold()
    if name not in taxonomy.names and label.parent:
        name = label.parent.casefold()
    while (parent := taxonomy.parents.get(name)) is not None:
        name = parent
    return name
