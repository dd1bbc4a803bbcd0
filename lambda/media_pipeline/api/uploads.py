"""Both ways in: a picture as a request's body, stored once, and a form for everything larger."""

import hashlib
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from media_pipeline.api import names
from media_pipeline.api.originals import Form, Originals, Put
from media_pipeline.api.problems import Problem, busy, malformed
from media_pipeline.api.requests import FormRequest, shown
from media_pipeline.errors import Reason
from media_pipeline.images.sniffing import HEAD_BYTES, Kind, sniff
from media_pipeline.records.table import Records
from media_pipeline.settings.api import BODY_BYTES, ApiSettings

FORM_SECONDS = 15 * 60
PAUSES = (0.0, 0.1, 0.3, 0.6, 1.0, 1.5)  # seconds before a put is tried again while another one is under way
IMAGE_TYPES = frozenset(
    {
        "image/jpeg",
        "image/png",
        "image/gif",
        "image/webp",
        "image/avif",
        "image/heic",
        "image/tiff",
        "image/bmp",
    }
)
VIDEO_TYPES = frozenset(
    {
        "video/mp4",
        "video/quicktime",
        "video/webm",
        "video/x-matroska",
        "video/x-msvideo",
        "video/mpeg",
        "video/mp2t",
        "video/3gpp",
        "video/ogg",
        "video/x-flv",
        "video/x-ms-asf",
    }
)
OTHER_BYTES = "This Idempotency-Key was used before, with other bytes. Use a new one for each upload."
LARGER = "for a larger file, ask POST /v1/uploads for a form."


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture as it was sent."""

    data: bytes
    file_name: str | None
    api_key_id: str
    idempotency_key: str | None
    spoilt: bool = False


class Uploads:
    """Takes uploads in; what is taken in is the pipeline's from then on."""

    def __init__(
        self,
        *,
        settings: ApiSettings,
        originals: Originals,
        records: Records,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings = settings
        self._originals = originals
        self._records = records
        self._sleep = sleep

    def key(self, image_id: str) -> str:
        """Where an upload's bytes are kept."""
        return self._settings.uploads_prefix + image_id

    def store(self, picture: Picture) -> tuple[str, Kind]:
        """Store a picture, once for each idempotency key; gives its id and what its bytes are.

        Raises Problem: 400 empty, 409 other bytes under that key, 413, 415, 503 where it could not be settled.
        """
        kind = self._judge(picture)
        if picture.idempotency_key is None:
            image_id = names.new_image_id()
        else:
            image_id = names.derived_image_id(picture.api_key_id, picture.idempotency_key)
        self._store_once(self.key(image_id), picture, kind)
        return image_id, kind

    def form(self, wish: FormRequest) -> tuple[str, Form]:
        """Give an id and a form for a larger upload. Raises Problem: 413, 415."""
        limit = self._limit_of(wish.content_type)
        if wish.length > limit:
            raise Problem(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"This stack takes up to {limit:,} bytes of {wish.content_type}.",
            )
        image_id = names.new_image_id()
        form = self._originals.form(
            self.key(image_id),
            content_type=wish.content_type,
            length=wish.length,
            file_name=names.escaped(wish.file_name) if wish.file_name else None,
            seconds=FORM_SECONDS,
        )
        return image_id, form

    def _judge(self, picture: Picture) -> Kind:
        if not picture.data:
            raise malformed("The body is empty; it must be the picture's bytes.")
        limit = self._settings.body_bytes
        if len(picture.data) > limit:
            way = LARGER if limit == BODY_BYTES else "this stack takes no larger pictures."
            raise Problem(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"Up to {limit:,} bytes can be sent this way; {way}"
            )
        kind = sniff(picture.data[:HEAD_BYTES])
        if kind.family == "image":
            return kind
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, self._why_not(kind, picture))

    def _why_not(self, kind: Kind, picture: Picture) -> str:
        if picture.spoilt:
            return "The body arrived as text. Send the picture's bytes with Content-Type: application/octet-stream."
        if kind.family == "video" and self._settings.video_bytes is not None:
            return f"The bytes are a video ({kind.content_type}); ask POST /v1/uploads for a form."
        if kind.family == "video":
            return f"The bytes are a video ({kind.content_type}), and this stack takes none."
        taken = ", ".join(sorted(name.removeprefix("image/") for name in IMAGE_TYPES))
        return f"The bytes are no picture that can be processed ({kind.content_type}). Taken are: {taken}."

    def _limit_of(self, content_type: str) -> int:
        if content_type in IMAGE_TYPES:
            return self._settings.image_bytes
        if content_type in VIDEO_TYPES and self._settings.video_bytes is not None:
            return self._settings.video_bytes
        taken = IMAGE_TYPES if self._settings.video_bytes is None else IMAGE_TYPES | VIDEO_TYPES
        raise Problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"{shown(content_type)} is not taken by this stack. Taken are: {', '.join(sorted(taken))}.",
        )

    def _store_once(self, key: str, picture: Picture, kind: Kind) -> None:
        name = names.escaped(picture.file_name) if picture.file_name else None
        for pause in PAUSES:
            # Not all at once again: whoever lost the race by a hair would lose the next one as well.
            self._sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - spreads tries, guards nothing
            if picture.idempotency_key is not None and self._is_known(key, picture.data):
                return
            put = self._originals.put_once(key, picture.data, content_type=kind.content_type, file_name=name)
            if put is Put.STORED:
                return
            if put is Put.TAKEN and (stored := self._originals.sha256(key)) is not None:
                # Ours from another try, perhaps one whose answer was lost; or another client's mistake.
                _require_same(stored == hashlib.sha256(picture.data).hexdigest())
                return
            # Else it was moved to quarantine or deleted between two calls: the record knows of it by now.
        raise busy()

    def _is_known(self, key: str, data: bytes) -> bool:
        """Whether the pipeline has seen an upload of this key, which may be moved or expired by now.

        Raises Problem (409) where its bytes were others.
        """
        history = [
            record
            for record in self._records.history(key)
            if record.attributes.get("reason")
            != Reason.ALREADY_UPLOADED  # refused: says nothing of the first
        ]
        if not history:
            return False
        digest = hashlib.sha256(data).hexdigest()
        known = next(
            (record.attributes["sha256"] for record in history if record.attributes.get("sha256")), None
        )
        known = known or self._originals.sha256(key)
        if known:
            _require_same(known == digest)
            return True
        # Never fetched, and gone: all that is left is the ETag of a single put with S3's own keys, its MD5.
        etags = {record.etag for record in history if record.etag}
        _require_same(not etags or hashlib.md5(data, usedforsecurity=False).hexdigest() in etags)
        return True


def _require_same(same: bool) -> None:
    if not same:
        raise Problem(HTTPStatus.CONFLICT, OTHER_BYTES)
