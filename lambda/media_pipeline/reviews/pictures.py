"""What a person looks at: the judged JPEGs beside an original in quarantine, and never the original itself."""

from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from media_pipeline.records.record import Record

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LINK_SECONDS = 60
"""How long a link to a picture works: the page asks for it at the moment when a person wants to look."""
THUMBHASH = "thumbhash"
"""Metadata of the first picture: records, which applications read, hold no look of what is withheld."""
_GONE = frozenset({"404", "NoSuchKey"})


class Picture(NamedTuple):
    """A link to one judged picture; `time` is in seconds from the start of a video, None for anything else."""

    url: str
    time: float | None


class Pictures:
    """The pictures for reviewers in the quarantine bucket."""

    def __init__(self, *, s3: "S3Client", bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    @property
    def origin(self) -> str:
        """Scheme and host of every link, for the page's content security policy."""
        parts = urlsplit(self._link("origin"))
        return f"{parts.scheme}://{parts.netloc}"

    def links(self, record: Record) -> list[Picture]:
        """Return a link to each picture of a record, in the order of the film; each works for LINK_SECONDS."""
        return [Picture(url=self._link(entry["key"]), time=entry.get("time")) for entry in _entries(record)]

    def are_gone(self, record: Record) -> bool:
        """Return whether the pictures of a record have expired, and with them its original.

        False where the record lists none: an older version of the pipeline wrote it, and the workers find out.
        """
        return bool(_entries(record)) and self._head(record) is None

    def thumbhash(self, record: Record) -> str | None:
        """Return the ThumbHash of a record's first picture in Base64; None where there is none."""
        head = self._head(record) if _entries(record) else None
        found: str | None = (head or {}).get("Metadata", {}).get(THUMBHASH)
        return found

    def _head(self, record: Record) -> dict[str, Any] | None:
        try:
            return dict(self._s3.head_object(Bucket=self._bucket, Key=_entries(record)[0]["key"]))
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                return None
            raise

    def _link(self, key: str) -> str:
        return self._s3.generate_presigned_url(
            "get_object", Params={"Bucket": self._bucket, "Key": key}, ExpiresIn=LINK_SECONDS
        )


def _entries(record: Record) -> list[Any]:
    return list(record.attributes.get("review") or ())
