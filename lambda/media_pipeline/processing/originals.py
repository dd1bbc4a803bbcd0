"""Opens originals and reads their first bytes, which give their type."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from media_pipeline.errors import Reason, RejectedError, TransientError
from media_pipeline.images.formats import LONGEST_EXTENSION
from media_pipeline.images.sniffing import HEAD_BYTES, sniff
from media_pipeline.processing.attempt import Attempt
from media_pipeline.processing.media import OpenOriginal
from media_pipeline.storage import KEY_BYTES_LIMIT, Original, Storage, rendition_key


class Originals:
    """Opens exactly the version that an attempt is about; `names` are those of everything that it may publish."""

    def __init__(self, storage: Storage, *, names: tuple[str, ...]) -> None:
        self._storage = storage
        self._longest_name = max(names, key=len)

    def uploaded(self, attempt: Attempt) -> AbstractContextManager[OpenOriginal]:
        """Open the version in the uploads bucket. Raises OriginalGoneError, RejectedError, TransientError."""
        event = attempt.event
        return self._opened(
            attempt,
            lambda: self._storage.open(event.key, version_id=event.version_id, etag=event.etag),
        )

    def quarantined(self, attempt: Attempt) -> AbstractContextManager[OpenOriginal]:
        """Open the copy of the version in quarantine. Raises OriginalGoneError, RejectedError, TransientError."""
        event = attempt.event
        return self._opened(attempt, lambda: self._storage.open_quarantined(event.key, event.version))

    @contextmanager
    def _opened(
        self, attempt: Attempt, opened: Callable[[], AbstractContextManager[Original]]
    ) -> Iterator[OpenOriginal]:
        self._require_short_key(attempt)
        attempt.invocation.require_time("fetch the original")
        with opened() as body:
            attempt.facts["bytes"] = body.length
            if not body.length:
                raise RejectedError(Reason.EMPTY, "the object has no bytes")
            head = body.read(HEAD_BYTES)
            if len(head) < min(HEAD_BYTES, body.length):
                # A connection may end early without an error; the missing part is not the file's fault.
                raise TransientError(f"only {len(head)} of {body.length:,} bytes were received")
            kind = sniff(head)
            attempt.facts["content_type"] = kind.content_type
            yield OpenOriginal(body=body, kind=kind, head=head)

    def _require_short_key(self, attempt: Attempt) -> None:
        event = attempt.event
        longest = rendition_key(event.key, event.version, self._longest_name, "0" * 8, LONGEST_EXTENSION)
        if (needed := len(longest.encode())) > KEY_BYTES_LIMIT:
            detail = (
                f"its key has {len(event.key.encode()):,} bytes; the keys of its renditions would have {needed:,},"
                f" and S3 allows {KEY_BYTES_LIMIT:,}"
            )
            raise RejectedError(Reason.KEY_TOO_LONG, detail)
