"""What looks like a published picture, over all records: by the PDQ hashes that the functions kept."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from media_pipeline.records.items import ItemTable
from operations.errors import OperationsError
from operations.scanning import scan

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ALIKE: Final = 31
"""Bits of 256 in which the hashes of copies differ at most, as `media_pipeline.images.pdq` has it."""
LEAST_QUALITY: Final = 50
"""Of 100: below it a hash says nothing, as there."""
_READ: Final = ("object_key", "sequencer", "status", "sha256", "finished_at", "pdq", "pdq_quality")


@dataclass(frozen=True, kw_only=True, order=True)
class Found:
    """A record whose picture is alike; sorted by distance, then by key."""

    distance: int
    """In how many of 256 bits the hashes differ."""
    object_key: str
    sequencer: str
    status: str
    identical: bool
    """Whether the originals are the same bytes."""
    finished_at: str
    sha256: str
    """Of the original."""


class Alike:
    """Compares the records of a stack; changes nothing."""

    def __init__(self, *, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def to_key(self, object_key: str, *, most: int = ALIKE) -> list[Found]:
        """Return the records whose picture differs in at most `most` bits from the key's newest published one.

        The nearest first, without those of the key itself. Raises OperationsError where the key has no hash, or one
        that says nothing, and what boto3 raises.
        """
        items = ItemTable(dynamodb=self._dynamodb, table=self._table, clock=lambda: 0.0)
        known = (record.attributes for record in items.query(object_key, newest_first=True))
        mine = next((each for each in known if each.get("pdq")), None)
        if mine is None:
            raise OperationsError(
                f"no record of {object_key!r} has a hash: what is withheld has none, nor has what an older version of"
                " the pipeline published"
            )
        if mine["pdq_quality"] < LEAST_QUALITY:
            raise OperationsError(
                f"the picture of {object_key!r} has too little detail to find others by it (quality"
                f" {mine['pdq_quality']} of 100, at least {LEAST_QUALITY} is needed)"
            )
        bits = int(mine["pdq"], 16)
        found = []
        for record in scan(self._dynamodb, self._table, _READ, having=("pdq",)):
            if (
                not record["pdq"]
                or record["pdq_quality"] < LEAST_QUALITY
                or record["object_key"] == object_key
            ):
                continue
            distance = (bits ^ int(record["pdq"], 16)).bit_count()
            if distance <= most:
                found.append(
                    Found(
                        distance=distance,
                        object_key=record["object_key"],
                        sequencer=record["sequencer"],
                        status=record["status"],
                        identical=record.get("sha256") == mine.get("sha256"),
                        finished_at=record.get("finished_at") or "",
                        sha256=record.get("sha256") or "",
                    )
                )
        return sorted(found)
