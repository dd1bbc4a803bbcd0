"""Names from outside never act, and each outcome is told once to everybody who wants to know, and to nobody else."""

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
    House,
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


def require_harmless(house: House) -> None:
    """Nothing from outside stands in a log line or a letter as it was sent, where it could do something there."""
    for name in LOGS:
        for line in house.log(name).split("\n"):
            assert line.isascii(), line
            assert line.isprintable(), line
    for letter in house.letters():
        subject = letter["Subject"]
        assert subject.isascii(), subject
        assert subject.isprintable(), subject
        assert len(subject) < 100
        assert all(line.isprintable() for line in letter.get_content().split("\n"))


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_name_is_metadata_at_most(house: House, name: str) -> None:
    escaped = quote(name.encode(errors="surrogatepass"))
    raw = re.sub(r"[^ -~]", "?", name)
    answers = [
        house.upload(photo(f"{uuid4()}"), X_File_Name=escaped[:8000]),
        house.upload(photo(f"{uuid4()}"), X_File_Name=raw),
        house.upload(photo(f"{uuid4()}"), Content_Disposition=f'attachment; filename="{raw}"'),
        house.upload(
            photo(f"{uuid4()}"), Content_Disposition=f"attachment; filename*=UTF-8''{escaped}"[:8000]
        ),
    ]
    assert {answer.status for answer in answers} == {202}
    data = photo(f"{uuid4()}")
    wish = {"content_type": "image/jpeg", "bytes": len(data), "file_name": name[:1024]}
    form = house.ask("POST", "/v1/uploads", json.dumps(wish).encode())
    assert form.status == 201
    assert house.send(form.json, data, file_name=raw) == 204
    keys = [key_of(answer) for answer in (*answers, form)]
    assert all(KEY.fullmatch(key) for key in keys)
    stored = [key for key, _ in house.versions()]
    assert all(KEY.fullmatch(key) for key in stored if key.startswith("api/"))
    assert set(keys) <= set(stored)
    for key in keys:
        kept = house.s3.head_object(Bucket=house.uploads, Key=key)["Metadata"].get("file-name", "")
        assert re.fullmatch(r"[A-Za-z0-9_.~%-]{0,1024}", kept)
        assert not re.search(r"%(0[0-9A-F]|1[0-9A-F]|7F|2F|5C)", kept)


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_id_is_nobodys(house: House, name: str) -> None:
    escaped = quote(name.encode(errors="surrogatepass"), safe="").replace(".", "%2E")
    for path in (f"/v1/images/{escaped}"[:7000], f"/v1/images/{'a' * 32}%0A", f"/v1/images/api%2F{'a' * 32}"):
        answer = house.ask("GET", path)
        assert (answer.status, answer.json["title"]) == (404, "Not Found")
    sent = house.upload(photo(), Idempotency_Key=f"{uuid4()} {quote(name.encode(errors='replace'))}"[:300])
    assert (sent.status, sent.json["title"]) == (400, "Bad Request")
    require_harmless(house)


def test_no_name_reaches_a_log_or_a_letter_unescaped_not_even_as_a_key(house: House) -> None:
    """Whoever may put into the bucket chooses the whole key."""
    keys = []
    for name in HOSTILE.values():
        key = f"{uuid4()}/{name.encode(errors='replace').decode()}"[:900].replace("\0", "")
        house.s3.put_object(Bucket=house.uploads, Key=key, Body=card(Violence=80))
        keys.append(key)
    house.settle(keys)
    require_harmless(house)
    told = [letter.get_content() for letter in house.letters() if letter["To"] == ALERTS_ONLY]
    assert all(any(key.partition("/")[0] in text for text in told) for key in keys)


def test_every_outcome_is_one_line_and_one_letter_to_whom_it_concerns(house: House) -> None:
    """Of each status that can be had without a fault, through both doors."""
    sent = {
        "PUBLISHED": house.upload(photo(f"{uuid4()}")),
        "BLOCKED": house.upload(card(Weapons=95)),
        "REVIEW": house.upload(card(Violence=80)),
        "REJECTED": house.upload(photo(f"{uuid4()}")[:600]),
    }
    gone = f"{uuid4()}/gone.jpg"
    house.s3.put_object(Bucket=house.uploads, Key=gone, Body=photo(f"{uuid4()}"))
    keys = {status: key_of(answer) for status, answer in sent.items()}
    house.settle([*keys.values(), gone])
    house.s3.delete_object(Bucket=house.uploads, Key=gone)
    deadline = time.monotonic() + PATIENCE
    while (gone, "DELETED") not in [(each["object_key"], each["status"]) for each in house.settle()]:
        assert time.monotonic() < deadline
    records = house.settle()
    statuses = {record["object_key"]: record["status"] for record in records}
    assert {status: statuses[key] for status, key in keys.items()} == {status: status for status in keys}
    ends = Counter((record["object_key"], record["sequencer"], record["status"]) for record in records)
    logged = Counter(
        (line["object_key"], line["sequencer"], line["status"]) for line in house.logged_outcomes()
    )
    # A tombstone's key was published before: both are outcomes, of two items.
    assert logged == ends
    assert set(ends.values()) == {1}
    letters = Counter((letter["To"], _told(letter.get_content())) for letter in house.letters())
    wanted: Counter[tuple[str, tuple[str, str, str]]] = Counter()
    for record in records:
        what = (_visible(record["object_key"]), record["sequencer"], record["status"])
        readers = {RESULTS_ONLY, BOTH} | ({ALERTS_ONLY} if record["status"] in ALERTING else set())
        wanted.update((reader, what) for reader in readers)
    assert letters == wanted
    require_harmless(house)
    for letter in house.letters():
        assert f"] {_told(letter.get_content())[2]}: " in letter["Subject"]


def test_a_blocked_cards_links_cannot_be_had_and_its_labels_are_not_shown(house: House) -> None:
    answer = house.upload(card(Weapons=95, Violence=95))
    (record,) = [each for each in house.settle([key_of(answer)]) if each["object_key"] == key_of(answer)]
    labels = [label["name"] for label in record["moderation"]["labels"]]
    assert "Weapons" in labels
    shown = house.ask("GET", answer.json["status_url"])
    assert (shown.status, shown.json["status"]) == (200, "BLOCKED")
    assert shown.json["reason"] == "policy_block"
    assert shown.json["renditions"] == []
    assert not [label for label in labels if label.lower() in shown.text.lower()]
    assert "http" not in shown.text
    assert not {"moderation", "labels", "placeholder", "dominant_colour"} & _members(shown.json)
    renditions = house.deployment.outputs["renditions_bucket"]
    listed = house.s3.list_objects_v2(Bucket=renditions, Prefix=key_of(answer))
    assert listed["KeyCount"] == 0
    for size, kind in (("thumbnail", "jpg"), ("large", "webp")):
        guess = (
            f"{house.world.endpoint_url}/{renditions}/{key_of(answer)}/{record['version_id']}/{size}.{kind}"
        )
        assert house.ask("GET", guess, key=None).status in (403, 404)


def test_a_published_link_is_for_its_own_object_alone(house: House) -> None:
    published, blocked = house.upload(photo(f"{uuid4()}")), house.upload(card(Weapons=95))
    records = {
        each["object_key"]: each for each in house.settle([key_of(answer) for answer in (published, blocked)])
    }
    (rendition, *_) = house.ask("GET", published.json["status_url"]).json["renditions"]
    assert house.ask_bytes(rendition["url"])[0] == 200
    link, _, signed = rendition["url"].partition("?")
    assert house.ask("GET", link, key=None).status == 403
    quarantine = house.deployment.outputs["quarantine_bucket"]
    hidden = f"{quarantine}/{key_of(blocked)}/{records[key_of(blocked)]['version_id']}"
    assert house.s3.head_object(Bucket=quarantine, Key=hidden.partition("/")[2])
    for query in ("", f"?{signed}"):
        assert house.ask("GET", f"{house.world.endpoint_url}/{hidden}{query}", key=None).status == 403


def _members(document: Mapping[str, Any]) -> set[str]:
    inner = [value for value in document.values() if isinstance(value, Mapping)]
    return set(document).union(*(_members(value) for value in inner))


def _told(text: str) -> tuple[str, str, str]:
    """What a letter is about: key as it is shown, sequencer, status."""
    facts = dict(re.findall(r"^(Object|Status): +(.*)$", text, re.MULTILINE))
    sequencer = re.search(r"sequencer ([0-9A-F]+)", text)
    assert sequencer is not None, text
    return facts["Object"], sequencer[1], facts["Status"]


def _visible(key: str) -> str:
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in key
    )
