"""The two ways to upload: a picture as a request's body, stored once, and a form for everything larger."""

import hashlib
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from media_pipeline.api import names
from media_pipeline.api.originals import Form, Originals, Put
from media_pipeline.api.problems import Problem, busy, malformed, may_pass
from media_pipeline.api.requests import FormRequest, shown
from media_pipeline.api.wrapped_bodies import explain
from media_pipeline.errors import Reason
from media_pipeline.images.sniffing import HEAD_BYTES, Kind, sniff
from media_pipeline.records.table import Records
from media_pipeline.settings.api import BODY_BYTES, ApiSettings

FORM_SECONDS = 15 * 60
PAUSES = (0.0, 0.1, 0.3, 0.6, 1.0, 1.5)  # seconds before a put is tried again while another one is under way
UNANSWERED_PUTS = (
    3  # tries of a put in a request that S3 did not answer or answered with an error that passes
)
IMAGE_TYPES = frozenset(
    {
        "image/jpeg",
        "image/png",
        "image/gif",
        "image/webp",
        "image/avif",
        "image/heic",
        "image/heif",  # browsers' type of .heif and .hif files
        "image/jpg",  # not registered, but what many clients send
        "image/pjpeg",  # old browsers' types of JPEG and PNG, which clients still copy
        "image/x-png",
        "image/apng",
        "image/heic-sequence",
        "image/heif-sequence",
        "image/tiff",
        "image/bmp",
        "image/x-ms-bmp",  # what Linux calls it
    }
)
VIDEO_TYPES = frozenset(
    {
        "video/mp4",
        "video/x-m4v",
        "video/quicktime",
        "video/webm",
        "video/x-matroska",
        "video/matroska",  # registered since 2024
        "video/x-msvideo",
        "video/mpeg",
        "video/mp2t",
        "video/3gpp",
        "video/3gpp2",
        "video/ogg",
        "video/x-flv",
        "video/x-ms-asf",
    }
)
MEDIA_TYPE = re.compile(r"([a-z]+/[a-z0-9.+-]+)(?: *;[ -~]*)?")
"""A media type with its parameters (RFC 9110), such as the `video/webm;codecs=vp9,opus` of browsers' recorders."""
MEDIA_TYPE_LENGTH = 255
OTHER_BYTES = "This Idempotency-Key was used before, with other bytes. Use a new one for each upload."
LARGER = "for a larger file, ask POST /v1/uploads for a form."


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture as it was sent; content type and encoding as its sender declared them."""

    data: bytes
    file_name: str | None
    api_key_id: str
    idempotency_key: str | None
    was_decoded_as_text: bool = False
    content_type: str | None = None
    content_encoding: str | None = None


class Uploads:
    """Accept uploads; the pipeline processes whatever is stored here."""

    def __init__(
        self,
        *,
        settings: ApiSettings,
        originals: Originals,
        records: Records,
        sleep: Callable[[float], None] = time.sleep,
        new_image_id: Callable[[], str] = names.new_image_id,
    ) -> None:
        self._settings = settings
        self._new_image_id = new_image_id
        self._originals = originals
        self._records = records
        self._sleep = sleep

    def key(self, image_id: str) -> str:
        """Return the object key of an upload."""
        return self._settings.uploads_prefix + image_id

    def store(self, picture: Picture) -> tuple[str, Kind]:
        """Store a picture, once for each idempotency key; return its id and the kind of its bytes.

        Raises Problem: 400 empty, 409 other bytes under that key, 413, 415, 503 where the race with another request
        was not decided in time.
        """
        kind = self._check(picture)
        if picture.idempotency_key is None:
            image_id = self._new_image_id()
        else:
            image_id = names.derived_image_id(
                self._settings.id_secret, picture.api_key_id, picture.idempotency_key
            )
        self._store_once(self.key(image_id), picture, kind)
        return image_id, kind

    def form(self, wanted: FormRequest) -> tuple[str, Form]:
        """Return an id and a form for a larger upload. Raises Problem: 413, 415."""
        content_type, limit = self._type_and_limit(wanted.content_type)
        if wanted.length > limit:
            raise Problem(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"This stack takes up to {limit:,} bytes of {content_type}.",
            )
        image_id = self._new_image_id()
        form = self._originals.form(
            self.key(image_id),
            content_type=content_type,
            length=wanted.length,
            file_name=names.escaped(wanted.file_name) if wanted.file_name else None,
            seconds=FORM_SECONDS,
        )
        return image_id, form

    def _check(self, picture: Picture) -> Kind:
        if not picture.data:
            raise malformed("The body is empty. It must be the picture's bytes.")
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
        if picture.was_decoded_as_text:
            return "The body arrived as text. Send the picture's bytes with Content-Type: application/octet-stream."
        if kind.family == "video" and self._settings.video_bytes is not None:
            return f"The bytes are a video ({kind.content_type}); ask POST /v1/uploads for a form."
        if kind.family == "video":
            return f"The bytes are a video ({kind.content_type}), and this stack takes none."
        wrapped = explain(
            picture.data, content_type=picture.content_type, content_encoding=picture.content_encoding
        )
        if wrapped is not None:
            return wrapped
        accepted = ", ".join(sorted(name.removeprefix("image/") for name in IMAGE_TYPES))
        return f"The bytes are not a picture that can be processed ({kind.content_type}). Accepted are: {accepted}."

    def _type_and_limit(self, declared: str) -> tuple[str, int]:
        """Return a declared type without its parameters, and the most bytes of it. Raises Problem (415)."""
        media_type = MEDIA_TYPE.fullmatch(declared) if len(declared) <= MEDIA_TYPE_LENGTH else None
        content_type = media_type[1] if media_type else ""
        if content_type in IMAGE_TYPES:
            return content_type, self._settings.image_bytes
        if content_type in VIDEO_TYPES and self._settings.video_bytes is not None:
            return content_type, self._settings.video_bytes
        accepted = IMAGE_TYPES if self._settings.video_bytes is None else IMAGE_TYPES | VIDEO_TYPES
        raise Problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"This stack does not accept {shown(declared)}. Accepted are: {', '.join(sorted(accepted))}.",
        )

    def _store_once(self, key: str, picture: Picture, kind: Kind) -> None:
        name = names.escaped(picture.file_name) if picture.file_name else None
        unanswered = 0
        for pause in PAUSES:
            # At random, so that requests that collided do not collide again.
            self._sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - spreads tries, guards nothing
            may_be_stored = unanswered > 0 or picture.idempotency_key is not None
            if may_be_stored and self._is_stored(key, picture.data):
                return
            try:
                put = self._originals.put_once(
                    key, picture.data, content_type=kind.content_type, file_name=name
                )
            except Exception as error:
                unanswered += 1
                if unanswered == UNANSWERED_PUTS or not may_pass(error):
                    raise
                continue
            if put is Put.STORED:
                return
            if put is Put.TAKEN and (stored := self._originals.sha256(key)) is not None:
                # This picture from another try, perhaps one whose answer was lost; or other bytes under one key.
                _require_same(stored == hashlib.sha256(picture.data).hexdigest())
                return
            # Else it was moved to quarantine or deleted between two calls: by now it has a record.
        raise busy()

    def _is_stored(self, key: str, data: bytes) -> bool:
        """Return whether an upload of this key was stored, even if the object was moved or deleted since.

        In this order: an object that is not listed was moved only after it had a record. One that is withdrawn before
        it has a record may be stored again; the pipeline refuses it as a second upload of its key.
        Raises Problem (409) where its bytes were others.
        """
        if self._originals.length(key) is not None and (stored := self._originals.sha256(key)) is not None:
            _require_same(stored == hashlib.sha256(data).hexdigest())
            return True
        return self._is_known(key, data)

    def _is_known(self, key: str, data: bytes) -> bool:
        """Return whether the pipeline has a record of this key. Raises Problem (409) where its bytes were others."""
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
        # Gone before it was fetched: what is left is its ETag. A delete marker has one as well, which says nothing.
        etags = {record.etag for record in history if record.etag and not record.is_tombstone}
        if etags and self._settings.etags_are_md5:
            _require_same(hashlib.md5(data, usedforsecurity=False).hexdigest() in etags)
        return True


def _require_same(same: bool) -> None:
    if not same:
        raise Problem(HTTPStatus.CONFLICT, OTHER_BYTES)
