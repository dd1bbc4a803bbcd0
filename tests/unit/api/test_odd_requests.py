"""Requests as no sane client sends them: each is answered as the document says, and none is our fault."""

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.api.conftest import JPEG, MP4, UploadApi, document

OPERATIONS = [
    (method.upper(), path) for path, operations in document()["paths"].items() for method in operations
]
TEXT = st.text(max_size=40)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
NAMES = ("X-File-Name", "Content-Disposition", "Content-Type", "Host", "Origin", "X-Forwarded-Proto")
HEADERS = st.fixed_dictionaries(
    {}, optional={"Idempotency-Key": TEXT | st.just("k"), **dict.fromkeys(NAMES, TEXT)}
)
WISHES = st.fixed_dictionaries(
    {"content_type": TEXT | st.just("image/png"), "bytes": JSON | st.integers(1, 10**10)},
    optional={"file_name": JSON | TEXT, "other": JSON},
)
BODIES = st.one_of(
    st.binary(max_size=64),
    st.binary(max_size=64).map(JPEG.__add__),
    st.binary(max_size=64).map(MP4.__add__),
    (JSON | WISHES).map(lambda value: json.dumps(value).encode(errors="surrogatepass")),
)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.sampled_from(OPERATIONS), TEXT, BODIES, HEADERS)
def test_no_request_is_too_odd_to_be_answered_as_documented(
    upload_api: UploadApi, operation: tuple[str, str], part: str, body: bytes, headers: dict[str, str]
) -> None:
    method, path = operation
    response = upload_api.request(
        method, path.replace("{image_id}", part), body, headers
    )  # holds it against the document
    assert response.status < 500
    assert response.text.isascii()
