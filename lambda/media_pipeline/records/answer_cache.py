"""Keeps Rekognition's answers for later uploads of the same picture, as items of the records table.

Each is an item of its own, under a partition key that the upload of no object shares with its records' sort keys:
`!answers/<SHA-256>` and `!answer`. One more item notes the newest version of Rekognition's model that answered. Answers
of any other version are not used, so a look reads both with one request. A cache that does not work costs a request to
Rekognition and nothing else: its errors are reported, and never raised.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError

from media_pipeline.errors import AnswerCacheError
from media_pipeline.moderation.cached import CachedAnswer, FreshAnswer, KnownAnswers, comparable
from media_pipeline.moderation.result import JudgedPicture
from media_pipeline.records.record import plain, to_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PARTITIONS = "!answers/"
"""The functions' permission to read and write many items at once is for partition keys that begin with this."""
SORT_KEY = "!answer"
"""Sorts below all versions, as the notes of deleted versions do: an object of that key has records of its own."""
MODEL = PARTITIONS + "model"
PICTURES_PER_LOOK = 99
"""BatchGetItem reads 100 items at once (Amazon DynamoDB API Reference); one is the note about the model."""
ITEMS_PER_WRITE = 25  # BatchWriteItem (Amazon DynamoDB API Reference)
SECONDS_PER_DAY = 86_400
NOTED_AGAIN_AFTER = SECONDS_PER_DAY
"""How old the note about the model may become before it is written again: one write a day."""
Key = dict[str, Any]


class ModelNote(NamedTuple):
    """The newest version of Rekognition's model that answered."""

    version: str
    noted_at: float
    """Epoch seconds."""


class Look(NamedTuple):
    """What a look into the cache found."""

    known: KnownAnswers
    note: ModelNote | None
    """None where no request was answered within the cache's days."""


class AnswerCache:
    """Reads and writes answers. `clock` gives epoch seconds; `days` is for how long one may be used, at least 1.

    `on_error` is called with everything that went wrong.
    """

    def __init__(
        self,
        *,
        dynamodb: "DynamoDBClient",
        table: str,
        clock: Callable[[], float],
        days: int,
        on_error: Callable[[Exception], None],
    ) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._clock = clock
        self._seconds = days * SECONDS_PER_DAY
        self._on_error = on_error

    def look(self, digests: Collection[str], *, asked_from: float) -> Look | None:
        """Read the answers about pictures, given by their SHA-256, that may replace requests of today.

        One read, which may miss what was written within the last second: BatchGetItem reads eventually consistent
        items at half the price. Only the first `PICTURES_PER_LOOK` pictures are looked up. `asked_from` is the least
        confidence that a request would ask for. Return None, after `on_error`, where the cache cannot be read.
        """
        wanted = sorted(digests)[:PICTURES_PER_LOOK]
        keys = [_key(MODEL), *(_key(PARTITIONS + digest) for digest in wanted)]
        try:
            answer = self._dynamodb.batch_get_item(RequestItems={self._table: {"Keys": keys}})
        except Exception as error:  # noqa: BLE001 - whatever it is: Rekognition can be asked
            self._on_error(error)
            return None
        if answer.get("UnprocessedKeys"):
            self._on_error(AnswerCacheError("DynamoDB read only a part of the answers that were looked for"))
        found = {item["object_key"]["S"]: item for item in answer["Responses"].get(self._table, ())}
        note = self._note(found.get(MODEL))
        if note is None:
            return Look(known=KnownAnswers(model_version="", pictures={}), note=None)
        pictures = {
            digest: picture
            for digest in wanted
            if (item := found.get(PARTITIONS + digest)) is not None
            and (picture := self._usable(digest, item, note, asked_from)) is not None
        }
        return Look(known=KnownAnswers(model_version=note.version, pictures=pictures), note=note)

    def keep(
        self, look: Look, answers: Sequence[FreshAnswer], *, asked_from: float, has_time: Callable[[], bool]
    ) -> None:
        """Write answers that were paid for, and the version of the model if it is newer than the noted one.

        The note goes first: from then on, no answer of an older version is used. `asked_from` is the least confidence
        that was asked for. Begin no further write once `has_time` returns False.
        """
        try:
            self._keep(look, answers, asked_from, has_time)
        except Exception as error:  # noqa: BLE001 - nothing waits for this, so nobody else would see it
            self._on_error(error)

    def _keep(
        self, look: Look, answers: Sequence[FreshAnswer], asked_from: float, has_time: Callable[[], bool]
    ) -> None:
        newest = max(answers, key=lambda answer: comparable(answer.model_version) or "").model_version
        order = comparable(newest)
        if order is None:
            raise AnswerCacheError(
                f"the model's version {newest!r} has no order, so its answers are not kept"
            )
        known = look.note and comparable(look.note.version)
        if known is not None and order < known:
            return  # a newer model answered before: these answers could not be used
        is_noted = look.note is not None and order == known and not self._is_old(look.note)
        if not is_noted and not (has_time() and self._note_model(newest, order)):
            return
        now = self._clock()
        items = [
            self._item(answer.picture, newest, asked_from, now)
            for answer in answers
            if answer.model_version == newest
        ]
        for first in range(0, len(items), ITEMS_PER_WRITE):
            if not has_time():
                return
            puts: Any = [{"PutRequest": {"Item": item}} for item in items[first : first + ITEMS_PER_WRITE]]
            left = self._dynamodb.batch_write_item(RequestItems={self._table: puts}).get("UnprocessedItems")
            if left:
                raise AnswerCacheError("DynamoDB wrote only a part of the answers")

    def _item(self, picture: JudgedPicture, version: str, asked_from: float, now: float) -> Mapping[str, Any]:
        answer = CachedAnswer(
            labels=picture.labels, asked_from=asked_from, model_version=version, asked_at=round(now, 3)
        )
        values = {"answer": answer.to_document(), "expires_at": int(now + self._seconds)}
        return {**_key(PARTITIONS + picture.sha256), **to_item(values)}

    def _note_model(self, version: str, order: str) -> bool:
        """Note the version of the model; return False where a newer one was noted meanwhile."""
        now = self._clock()
        values = {
            "model_version": version,
            "model_order": order,
            "noted_at": round(now, 3),
            # Rekognition may go back to an older model: its answers are used again once nothing newer was seen so long.
            "expires_at": int(now + self._seconds),
        }
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key=_key(MODEL),
                UpdateExpression="SET " + ", ".join(f"{name} = :{name}" for name in values),
                ConditionExpression="attribute_not_exists(model_order) OR model_order <= :model_order "
                "OR expires_at <= :now",
                ExpressionAttributeValues=to_item(
                    {":now": int(now), **{f":{name}": value for name, value in values.items()}}
                ),
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            return False
        return True

    def _is_old(self, note: ModelNote) -> bool:
        return self._clock() - note.noted_at > NOTED_AGAIN_AFTER

    def _note(self, item: Mapping[str, Any] | None) -> ModelNote | None:
        """Return the note about the model; None where there is none, or it is too old or cannot be read."""
        if item is None:
            return None
        try:
            note = ModelNote(
                version=str(plain(item["model_version"])), noted_at=float(plain(item["noted_at"]))
            )
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            self._on_error(AnswerCacheError(f"the note about the model cannot be read: {error!r}"))
            return None
        return note if note.noted_at >= self._clock() - self._seconds else None

    def _usable(
        self, digest: str, item: Mapping[str, Any], note: ModelNote, asked_from: float
    ) -> JudgedPicture | None:
        try:
            answer = CachedAnswer.from_document(plain(item["answer"]))
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            self._on_error(AnswerCacheError(f"the answer about {digest} cannot be read: {error!r}"))
            return None
        not_before = self._clock() - self._seconds  # expired items are deleted days later, or never
        if not answer.serves(asked_from=asked_from, model_version=note.version, not_before=not_before):
            return None
        return answer.picture(digest, asked_from)


def _key(partition: str) -> Key:
    return to_item({"object_key": partition, "sequencer": SORT_KEY})
