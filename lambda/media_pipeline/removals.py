"""Removes objects from a bucket without versions, by their keys, many at once."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from media_pipeline.errors import TransientError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

DELETE_BATCH = 1000  # S3: DeleteObjects takes at most 1,000 keys
_FITS_INTO_XML = re.compile("[^\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029\\ud800-\\udfff\\ufffe\\uffff]+")
"""Keys that DeleteObjects can carry for certain: its body is XML 1.0.

XML 1.0 has no way to write most control characters, U+FFFE and U+FFFF ("2.2 Characters"), and a parser may change
line ends ("2.11 End-of-Line Handling"; XML 1.1 adds U+0085 and U+2028).
"""


def remove_objects(s3: "S3Client", bucket: str, keys: Iterable[str], *, what: str) -> None:
    """Delete objects by their keys; a key that holds no object is not an error.

    `what` names them in the message of an error, in the plural. Raises TransientError where S3 refused to delete one.
    """
    wanted = sorted(set(keys))
    for key in wanted:
        if not _fits_into_xml(key):
            s3.delete_object(Bucket=bucket, Key=key)  # sends the key in the URL
    wanted = [key for key in wanted if _fits_into_xml(key)]
    for start in range(0, len(wanted), DELETE_BATCH):
        batch = wanted[start : start + DELETE_BATCH]
        answer = s3.delete_objects(
            Bucket=bucket, Delete={"Objects": [{"Key": key} for key in batch], "Quiet": True}
        )
        if errors := answer.get("Errors"):  # DeleteObjects answers 200 even where it refused
            first = errors[0]
            raise TransientError(
                f"S3 did not delete {len(errors)} of {len(batch)} {what};"
                f" the first is {first.get('Key')}: {first.get('Code')}"
            )


def _fits_into_xml(key: str) -> bool:
    # White space at an end survives XML itself, but not every reader of it.
    return _FITS_INTO_XML.fullmatch(key) is not None and key == key.strip()
