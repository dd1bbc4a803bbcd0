"""Two records of one version, made from an event without a sequencer and from one with it: which of them goes."""

from typing import NamedTuple

from media_pipeline.events import is_made_up, next_sequencer
from media_pipeline.processing.attempt import Attempt
from media_pipeline.records.record import Record
from media_pipeline.records.succession import Neighbours, Succession
from media_pipeline.storage import Storage


class SecondRecord(NamedTuple):
    """The version has another record, under this sequencer, which stays."""

    sequencer: str


class PlaceAbove(NamedTuple):
    """The version has its place under this sequencer, above all others, and its record is to move there."""

    sequencer: str


def found_since(attempt: Attempt, succession: Succession) -> SecondRecord | None:
    """Return the other record of an attempt's version, where that one stays, right before the outcome is written down.

    The first look came right after the claim, when the other record may not have been there yet, or was undecided.
    A record of S3's own sequencer that met no other one by then need not look again: whoever claims another one
    after that look finds this one.
    """
    if not attempt.has_twin and not is_made_up(attempt.record.sequencer):
        return None
    attempt.invocation.require_time("look for a second record")
    if (second := second_of(attempt.record, succession.neighbours(attempt.record))) is not None:
        return second
    holder = succession.hold_version(attempt.record)
    return None if holder == attempt.record.sequencer else SecondRecord(holder)


def place_above(record: Record, neighbours: Neighbours, storage: Storage) -> PlaceAbove | None:
    """Return the place above all others for a version whose order was assumed, if the bucket says that it is current.

    Its event had no sequencer, and came before the events of what is older.
    """
    if neighbours.newest is None or not is_made_up(record.sequencer):
        return None
    if not storage.is_current(record.object_key, record.version_id, record.etag):
        return None
    return PlaceAbove(next_sequencer(neighbours.newest))


def second_of(record: Record, neighbours: Neighbours) -> SecondRecord | None:
    """Return the place of the other record of a version, if of the two this one goes: never one with a verdict.

    Where neither has a verdict, the one with S3's own sequencer stays: it has its place in the order of the key.
    But where another version lies between the two, that place is superseded, and the version has come back: an
    undelete put the upper one there, because the bucket said that it is current.
    """
    twin = neighbours.twin
    if twin is None or record.moderation is not None:
        return None
    if twin.is_decided:
        return SecondRecord(twin.sequencer)
    made_up = is_made_up(record.sequencer)
    if neighbours.twin_is_apart:
        is_second = record.sequencer < twin.sequencer
    elif made_up == is_made_up(twin.sequencer):
        is_second = record.sequencer > twin.sequencer
    else:
        is_second = made_up
    return SecondRecord(twin.sequencer) if is_second else None
