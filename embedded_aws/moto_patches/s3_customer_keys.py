"""An object that was stored with a key of its uploader (SSE-C) is given out only to who sends that key.

AWS: GetObject, HeadObject and CopyObject without the key answer 400 InvalidRequest. (S3 User Guide, "Using server-side
encryption with customer-provided keys".)
moto: gives the object out.
"""

from typing import Any

from embedded_aws.access.actions import copy_source
from embedded_aws.moto_replacement import replace
from embedded_aws.moto_state import find_object

_HEADER = "x-amz-server-side-encryption-customer-key-md5"
_SOURCE_HEADER = "x-amz-copy-source-server-side-encryption-customer-key-md5"
_ATTRIBUTE = "customer_key_md5"
_MESSAGE = (
    "The object was stored using a form of Server Side Encryption. "
    "The correct parameters must be provided to retrieve the object."
)


def apply() -> None:
    """Note the digest of the key with the object, and ask for it."""
    from moto.s3.responses import S3Response

    def put_object(self: Any) -> Any:
        answer = put(self)
        _note(self)
        return answer

    def copy_object(self: Any) -> Any:
        source = copy_source({"CopySource": self.headers["x-amz-copy-source"]})
        _require(find_object(*source), self.headers.get(_SOURCE_HEADER))
        answer = copy(self)
        _note(self)
        return answer

    def get_object(self: Any) -> Any:
        _require(_wanted(self), self.headers.get(_HEADER))
        return get(self)

    def head_object(self: Any, *arguments: Any, **named: Any) -> Any:
        _require(_wanted(self), self.headers.get(_HEADER))
        return head(self, *arguments, **named)

    put = replace(S3Response, "put_object", put_object)
    copy = replace(S3Response, "copy_object", copy_object)
    get = replace(S3Response, "get_object", get_object)
    head = replace(S3Response, "head_object", head_object)


def _wanted(response: Any) -> Any:
    version = response.querystring.get("versionId", [None])[0]
    return find_object(response.bucket_name, response.parse_key_name(), version)


def _note(response: Any) -> None:
    stored = find_object(response.bucket_name, response.parse_key_name())
    setattr(stored, _ATTRIBUTE, response.headers.get(_HEADER))


def _require(stored: Any, sent: str | None) -> None:
    from moto.s3.exceptions import S3ClientError

    if getattr(stored, _ATTRIBUTE, None) not in (None, sent):
        raise S3ClientError("InvalidRequest", _MESSAGE)
