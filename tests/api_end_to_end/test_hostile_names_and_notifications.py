"""Hostile file names and ids do no harm, and each outcome is reported once to each recipient and to nobody else."""

import json
import re
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest

from tests.api_end_to_end.served_stack import (
    ALERTS_ONLY,
    BOTH,
    PATIENCE,
    RESULTS_ONLY,
    ServedStack,
    card,
    key_of,
    photo,
)

KEY = re.compile(r"api/[a-z2-7]{32}")
ALERTING = {"BLOCKED", "REVIEW", "FAILED"}
RIGHT_TO_LEFT = "\N{RIGHT-TO-LEFT OVERRIDE}"
HOSTILE = {
    "traversal": "../../../etc/passwd",
    "backslashes": r"..\..\windows\system32\x.jpg",
    "overlong": "n" * 5000 + ".jpg",
    "control": "a\r\nX-Evil: yes\x00\x1b[31m.jpg",
    "bidirectional": f"a{RIGHT_TO_LEFT}gpj.exe",
    "isolates": "\N{LEFT-TO-RIGHT ISOLATE}x\N{POP DIRECTIONAL ISOLATE}\N{ZERO WIDTH NO-BREAK SPACE}.jpg",
    "lines": "a\N{LINE SEPARATOR}b\N{NEXT LINE}c\N{PARAGRAPH SEPARATOR}.jpg",
    "half": "\ud800.jpg",
    "shell": '$(touch x); "`id`" \'.jpg',
    "markup": "<script>alert(1)</script>.jpg",
    "json": '","status":"PUBLISHED","object_key":"x',
    "slot": "${filename}",
    "dots": "..",
}
LOGS = ("upload_api", "process_image", "log_notification", "dead_letters")


def require_escaped_names(stack: ServedStack) -> None:
    """Fail if a log line or an email contains a character that could act as a control or escape sequence."""
    for name in LOGS:
        for line in stack.log(name).split("\n"):
            assert line.isascii(), line
            assert line.isprintable(), line
    for email in stack.emails():
        subject = email["Subject"]
        assert subject.isascii(), subject
        assert subject.isprintable(), subject
        assert len(subject) < 100
        assert all(line.isprintable() for line in email.get_content().split("\n"))


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_name_is_stored_as_escaped_metadata_only(stack: ServedStack, name: str) -> None:
    escaped = quote(name.encode(errors="surrogatepass"))
    raw = re.sub(r"[^ -~]", "?", name)
    responses = [
        stack.upload(photo(f"{uuid4()}"), X_File_Name=escaped[:8000]),
        stack.upload(photo(f"{uuid4()}"), X_File_Name=raw),
        stack.upload(photo(f"{uuid4()}"), Content_Disposition=f'attachment; filename="{raw}"'),
        stack.upload(
            photo(f"{uuid4()}"), Content_Disposition=f"attachment; filename*=UTF-8''{escaped}"[:8000]
        ),
    ]
    assert {response.status for response in responses} == {202}
    data = photo(f"{uuid4()}")
    body = {"content_type": "image/jpeg", "bytes": len(data), "file_name": name[:1024]}
    form = stack.request("POST", "/v1/uploads", json.dumps(body).encode())
    assert form.status == 201
    assert stack.post_form(form.json, data, file_name=raw) == 204
    keys = [key_of(response) for response in (*responses, form)]
    assert all(KEY.fullmatch(key) for key in keys)
    stored = [key for key, _ in stack.versions()]
    assert all(KEY.fullmatch(key) for key in stored if key.startswith("api/"))
    assert set(keys) <= set(stored)
    for key in keys:
        kept = stack.s3.head_object(Bucket=stack.uploads, Key=key)["Metadata"].get("file-name", "")
        assert re.fullmatch(r"[A-Za-z0-9_.~%-]{0,1024}", kept)
        assert not re.search(r"%(0[0-9A-F]|1[0-9A-F]|7F|2F|5C)", kept)


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_id_is_not_found(stack: ServedStack, name: str) -> None:
    escaped = quote(name.encode(errors="surrogatepass"), safe="").replace(".", "%2E")
    for path in (f"/v1/images/{escaped}"[:7000], f"/v1/images/{'a' * 32}%0A", f"/v1/images/api%2F{'a' * 32}"):
        response = stack.request("GET", path)
        assert (response.status, response.json["title"]) == (404, "Not Found")
    sent = stack.upload(photo(), Idempotency_Key=f"{uuid4()} {quote(name.encode(errors='replace'))}"[:300])
    assert (sent.status, sent.json["title"]) == (400, "Bad Request")
    require_escaped_names(stack)


def test_no_name_or_key_reaches_a_log_or_an_email_unescaped(stack: ServedStack) -> None:
    """Upload under hostile keys: whoever may write to the bucket chooses the whole key."""
    keys = []
    for name in HOSTILE.values():
        key = f"{uuid4()}/{name.encode(errors='replace').decode()}"[:900].replace("\0", "")
        stack.s3.put_object(Bucket=stack.uploads, Key=key, Body=card(Violence=80))
        keys.append(key)
    stack.wait_for_outcomes(keys)
    require_escaped_names(stack)
    told = [email.get_content() for email in stack.emails() if email["To"] == ALERTS_ONLY]
    assert all(any(key.partition("/")[0] in text for text in told) for key in keys)


def test_every_outcome_is_one_log_line_and_one_email_to_each_recipient(stack: ServedStack) -> None:
    """Cover every status that is possible without a fault, of uploads through the API and directly to the bucket."""
    sent = {
        "PUBLISHED": stack.upload(photo(f"{uuid4()}")),
        "BLOCKED": stack.upload(card(Weapons=95)),
        "REVIEW": stack.upload(card(Violence=80)),
        "REJECTED": stack.upload(photo(f"{uuid4()}")[:600]),
    }
    gone = f"{uuid4()}/gone.jpg"
    stack.s3.put_object(Bucket=stack.uploads, Key=gone, Body=photo(f"{uuid4()}"))
    keys = {status: key_of(response) for status, response in sent.items()}
    stack.wait_for_outcomes([*keys.values(), gone])
    stack.s3.delete_object(Bucket=stack.uploads, Key=gone)
    deadline = time.monotonic() + PATIENCE
    while (gone, "DELETED") not in [
        (each["object_key"], each["status"]) for each in stack.wait_for_outcomes()
    ]:
        assert time.monotonic() < deadline
    records = stack.wait_for_outcomes()
    statuses = {record["object_key"]: record["status"] for record in records}
    assert {status: statuses[key] for status, key in keys.items()} == {status: status for status in keys}
    # Of others, people changed the outcome after it was announced: `tests/api_end_to_end` shares one stack.
    mine = {*keys.values(), gone}
    records = [record for record in records if record["object_key"] in mine]
    ends = Counter((record["object_key"], record["sequencer"], record["status"]) for record in records)
    logged = Counter(
        (line["object_key"], line["sequencer"], line["status"])
        for line in stack.logged_outcomes()
        if line["object_key"] in mine
    )
    # The key of a delete marker was published before: two records, and two outcomes.
    assert logged == ends
    assert set(ends.values()) == {1}
    emails = Counter(
        (email["To"], told)
        for email in stack.emails()
        if (told := _told(email.get_content()))[0] in {_visible(key) for key in mine}
    )
    wanted: Counter[tuple[str, tuple[str, str, str]]] = Counter()
    for record in records:
        what = (_visible(record["object_key"]), record["sequencer"], record["status"])
        readers = {RESULTS_ONLY, BOTH} | ({ALERTS_ONLY} if record["status"] in ALERTING else set())
        wanted.update((reader, what) for reader in readers)
    assert emails == wanted
    require_escaped_names(stack)
    for email in stack.emails():
        assert f"] {_told(email.get_content())[2]}: " in email["Subject"]


def test_a_blocked_picture_has_no_links_and_shows_no_labels(stack: ServedStack) -> None:
    response = stack.upload(card(Weapons=95, Violence=95))
    (record,) = [
        each for each in stack.wait_for_outcomes([key_of(response)]) if each["object_key"] == key_of(response)
    ]
    labels = [label["name"] for label in record["moderation"]["labels"]]
    assert "Weapons" in labels
    shown = stack.request("GET", response.json["status_url"])
    assert (shown.status, shown.json["status"]) == (200, "BLOCKED")
    assert shown.json["reason"] == "policy_block"
    assert shown.json["renditions"] == []
    assert not [label for label in labels if label.lower() in shown.text.lower()]
    assert "http" not in shown.text
    assert not {"moderation", "labels", "placeholder", "dominant_colour"} & _members(shown.json)
    renditions = stack.outputs["renditions_bucket"]
    listed = stack.s3.list_objects_v2(Bucket=renditions, Prefix=key_of(response))
    assert listed["KeyCount"] == 0
    for size, kind in (("thumbnail", "jpg"), ("large", "webp")):
        guess = (
            f"{stack.world.endpoint_url}/{renditions}/{key_of(response)}/{record['version_id']}/{size}.{kind}"
        )
        assert stack.request("GET", guess, key=None).status in (403, 404)


def test_a_signed_link_is_valid_for_its_own_object_only(stack: ServedStack) -> None:
    published, blocked = stack.upload(photo(f"{uuid4()}")), stack.upload(card(Weapons=95))
    records = {
        each["object_key"]: each
        for each in stack.wait_for_outcomes([key_of(response) for response in (published, blocked)])
    }
    (rendition, *_) = stack.request("GET", published.json["status_url"]).json["renditions"]
    assert stack.get_bytes(rendition["url"])[0] == 200
    link, _, signed = rendition["url"].partition("?")
    assert stack.request("GET", link, key=None).status == 403
    quarantine = stack.outputs["quarantine_bucket"]
    hidden = f"{quarantine}/{key_of(blocked)}/{records[key_of(blocked)]['version_id']}"
    assert stack.s3.head_object(Bucket=quarantine, Key=hidden.partition("/")[2])
    for query in ("", f"?{signed}"):
        assert stack.request("GET", f"{stack.world.endpoint_url}/{hidden}{query}", key=None).status == 403


def _members(document: Mapping[str, Any]) -> set[str]:
    inner = [value for value in document.values() if isinstance(value, Mapping)]
    return set(document).union(*(_members(value) for value in inner))


def _told(text: str) -> tuple[str, str, str]:
    """Return key (as shown), sequencer and status from the text of an email."""
    facts = dict(re.findall(r"^(Object|Status): +(.*)$", text, re.MULTILINE))
    sequencer = re.search(r"sequencer ([0-9A-F]+)", text)
    assert sequencer is not None, text
    return facts["Object"], sequencer[1], facts["Status"]


def _visible(key: str) -> str:
    return "".join(email if email.isprintable() else email.encode("unicode_escape").decode() for email in key)
