"""Two records of one version, made from an event without a sequencer and from one with it: which of them goes."""

from typing import NamedTuple

from media_pipeline.events import is_made_up, next_sequencer
from media_pipeline.processing.attempt import Attempt
from media_pipeline.records.record import Record
from media_pipeline.records.succession import Neighbours, Succession
from media_pipeline.storage import Storage


class SecondRecord(NamedTuple):
    """The version has its place under another sequencer, where it has a record already or gets one now."""

    sequencer: str


def found_since(attempt: Attempt, succession: Succession) -> SecondRecord | None:
    """Return the other record of an attempt's version, where that one stays, right before the verdict is stored.

    The first look came right after the claim, when the other record may not have been there yet, or had no verdict.
    A record of S3's own sequencer that met no other one by then need not look again: whoever claims another one
    after that look finds this one.
    """
    if not attempt.has_twin and not is_made_up(attempt.record.sequencer):
        return None
    attempt.invocation.require_time("look for a second record")
    twin = succession.neighbours(attempt.record).twin
    if twin is not None and is_second(attempt.record, twin):
        return SecondRecord(twin.sequencer)
    holder = succession.hold_version(attempt.record)
    return None if holder == attempt.record.sequencer else SecondRecord(holder)


def place_above(record: Record, neighbours: Neighbours, storage: Storage) -> SecondRecord | None:
    """Return the place above all others for a version whose order was assumed, if the bucket says that it is current.

    Its event had no sequencer, and came before the events of older versions. With a verdict a record keeps its place.
    """
    if neighbours.newest is None or record.moderation is not None or not is_made_up(record.sequencer):
        return None
    if not storage.is_current(record.object_key, record.version_id, record.etag):
        return None
    return SecondRecord(next_sequencer(neighbours.newest))


def is_second(record: Record, twin: Record) -> bool:
    """Return whether of two records of one version this one goes: never both, and never one with a verdict.

    Where neither has a verdict, the one with S3's own sequencer stays: it has its place in the order of the key.
    """
    if record.moderation is not None:
        return False
    if twin.status.terminal or twin.moderation is not None:
        return True
    made_up = is_made_up(record.sequencer)
    return made_up if made_up != is_made_up(twin.sequencer) else twin.sequencer < record.sequencer
