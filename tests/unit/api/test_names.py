"""Ids and file names, whatever a client thinks of."""

import base64
import hashlib
import re

from hypothesis import example, given
from hypothesis import strategies as st

from media_pipeline.api.names import (
    ESCAPED_NAME_BYTES,
    derived_image_id,
    escaped,
    file_name,
    is_image_id,
    new_image_id,
    tidy,
)
from tests.unit.api.conftest import document

TEXT = st.text(st.characters(), max_size=300)
# Content-Disposition as RFC 2231 has it, and as it should not be: sections, charsets and escapes of any kind.
PARAMETER = st.sampled_from(
    ("filename", "filename*", "filename*0", "filename*1", "filename*0*", "filename*01*")
)
CHARSET = st.sampled_from(("", "utf-8", "utf-16", "idna", "punycode", "undefined", "a\0b", "no-such-charset"))
DISPOSITION = st.lists(
    st.tuples(PARAMETER, CHARSET, st.sampled_from(("", "'", "''", "'de'")), TEXT), max_size=3
).map(lambda parameters: "attachment" + "".join(f"; {name}={''.join(value)}" for name, *value in parameters))
SECRET = "the stack's own"
HOSTILE = "../\u202egpj\r\nX-Evil: 1\x00\u2066\ufeff" + "n" * 2000


@given(TEXT, TEXT)
@example("a", "b")
def test_derived_id_is_an_id_and_always_the_same(client: str, key: str) -> None:
    client, key = client.encode(errors="replace").decode(), key.encode(errors="replace").decode()
    assert is_image_id(derived_image_id(SECRET, client, key))
    assert derived_image_id(SECRET, client, key) == derived_image_id(SECRET, client, key)


def test_derived_id_cannot_be_computed_without_the_stacks_secret() -> None:
    mine, others = (
        derived_image_id(SECRET, "key-1", "order-1"),
        derived_image_id("guessed", "key-1", "order-1"),
    )
    plain = hashlib.sha256(b"5:key-1\0order-1").digest()[:20]
    assert mine not in (others, base64.b32encode(plain).decode().lower())


@given(st.tuples(TEXT, TEXT), st.tuples(TEXT, TEXT))
@example(("a", "\0b"), ("a\0", "b"))
@example(("1", "0:"), ("10", ":"))
def test_derived_ids_of_two_clients_or_keys_differ(one: tuple[str, str], other: tuple[str, str]) -> None:
    one, other = _encodable(one), _encodable(other)
    assert (derived_image_id(SECRET, *one) == derived_image_id(SECRET, *other)) == (one == other)


def test_random_ids_are_valid_and_unique() -> None:
    ids = {new_image_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(is_image_id(image_id) for image_id in ids)


@given(TEXT)
def test_ids_are_what_the_document_says(text: str) -> None:
    schema = document()["components"]["schemas"]["ImageId"]
    documented = re.fullmatch(schema["pattern"].strip("^$"), text) is not None
    assert is_image_id(text) == (documented and len(text) == schema["maxLength"])


@given(TEXT)
@example(HOSTILE)
@example("..")
@example("a/..")
@example("C:\\x\\..")
def test_tidied_name_is_one_printable_name_that_fits_into_metadata(name: str) -> None:
    tidied = tidy(name)
    if tidied is None:
        return
    assert tidied.isprintable()
    assert "/" not in tidied
    assert "\\" not in tidied
    assert tidied.strip(". ")
    assert len(escaped(tidied)) <= ESCAPED_NAME_BYTES
    assert re.fullmatch(r"[A-Za-z0-9_.~%-]+", escaped(tidied))


@given(TEXT)
def test_tidying_twice_changes_nothing(name: str) -> None:
    assert tidy(tidy(name)) == tidy(name)


@given(TEXT | DISPOSITION, st.none() | TEXT)
@example("attachment; filename*=bogus''%FF", None)
@example("attachment; filename*=undefined''%FF", None)
@example("attachment; filename*=idna''%FF", None)
@example("attachment; filename*=a\0b''%FF", None)
@example("attachment; filename*=a; filename*0=b", None)
@example(f"attachment; filename*{'9' * 5000}=a", None)
def test_no_header_is_too_odd_to_be_read(header: str, other: str | None) -> None:
    for name in (file_name(header, other), file_name(None, header)):
        assert name is None or name.isprintable()


def _encodable(pair: tuple[str, str]) -> tuple[str, str]:
    return tuple(text.encode(errors="replace").decode() for text in pair)  # type: ignore[return-value]
