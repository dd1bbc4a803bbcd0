"""A record fits into DynamoDB's 400 KB, whatever an object makes the pipeline write about it."""

from collections.abc import Mapping
from typing import Any

from media_pipeline.records.item_size import DETAIL_CHARACTERS, ITEM_BYTES, fitted
from media_pipeline.records.record import Status, to_item
from tests.fixtures.moto_stack import MotoStack
from tests.unit.records.test_table import claim

FRAMES, LABELS = 200, 40  # a video with the most judged frames, in which everything is recorded


def moderation() -> dict[str, Any]:
    labels = [
        {
            "name": f"A Label of Average Length {number}",
            "parent": "Violence",
            "level": 3,
            "confidence": 99.5 - number,
        }
        for number in range(LABELS)
    ]
    frames = [{"time": index / 3, "sha256": f"{index:064x}", "labels": labels} for index in range(FRAMES)]
    return {"verdict": "allow", "mode": "enforce", "reason": None, "labels": labels, "frames": frames}


def facts() -> dict[str, Any]:
    return {
        "moderation": moderation(),
        "answers": {"pictures": moderation()["frames"]},
        "detail": "x" * 5_000,
    }


def put(stack: MotoStack, values: Mapping[str, Any]) -> None:
    key = {"object_key": "k", "sequencer": "0"}
    stack.clients.dynamodb.put_item(TableName="records", Item=to_item({**key, **values}))


def test_two_hundred_frames_with_forty_labels_each_fit_with_their_surest_labels(stack: MotoStack) -> None:
    assert len(str(facts())) > 3 * ITEM_BYTES
    kept = fitted(facts())
    put(stack, kept)  # moto has DynamoDB's limit
    assert len(kept["moderation"]["labels"]) == LABELS, "those of the whole object stay"
    for pictures in (kept["moderation"]["frames"], kept["answers"]["pictures"]):
        assert len(pictures) == FRAMES
        assert all(picture["omitted"] for picture in pictures)
        assert [label["confidence"] for label in pictures[0]["labels"]] == [99.5, 98.5, 97.5]


def test_what_fits_is_kept_whole() -> None:
    few = {"moderation": {**moderation(), "frames": moderation()["frames"][:5]}, "detail": "short"}
    assert fitted(few) == few


def test_every_write_of_facts_is_fitted(stack: MotoStack) -> None:
    long = {"detail": "x" * 5_000}
    mine = claim(stack.records)
    stack.records.release(mine, unfinished=1, facts=long)
    (item,) = stack.clients.dynamodb.scan(TableName="records")["Items"]
    assert len(item["detail"]["S"]) == DETAIL_CHARACTERS
    mine = claim(stack.records, owner="next")
    stored = stack.records.store_verdict(
        mine, {"moderation": {**moderation(), "frames": [], "labels": []}, **long}
    )
    assert len(stored.attributes["detail"]) == DETAIL_CHARACTERS
    done = stack.records.commit(mine, Status.FAILED, long)
    assert len(done.attributes["detail"]) == DETAIL_CHARACTERS
