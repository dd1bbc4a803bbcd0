"""The demo's reports: a fixed shape for tools, a safe and complete page for people."""

import json
import re
import shlex
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from embedded_aws.metrics.insights import Table
from embedded_aws.metrics.widgets import Line
from local.demo import cli, report
from local.demo.charts import Board, Chart, Listing
from local.demo.decisions import Approval, Change, Decisions, Removal, Trial
from local.demo.outcomes import Label, Mail, Outcome, Rendition, Run, Seconds, Upload

HOSTILE = "<script>alert(1)</script>/\" onerror='x' {{ 7*7 }} & #?%41.jpg"


def upload(file: str) -> Upload:
    return Upload(file=file, path=Path("photos") / file, bytes=48_213, version_id="v1")


def rendition(key: str, name: str, format_: str, width: int) -> Rendition:
    path = f"renditions/{key}/v1/{name}-0a1b2c3d.{format_}"
    return Rendition(
        name=name, format=format_, width=width, height=width // 2, bytes=9_000, key=path[11:], path=path
    )


def published(file: str) -> Outcome:
    return Outcome(
        upload=upload(file),
        status="PUBLISHED",
        announced=True,
        content_type="image/jpeg",
        width=1500,
        height=1000,
        renditions=tuple(
            rendition(file, name, format_, width)
            for name, width in (("thumbnail", 150), ("large", 1500))
            for format_ in ("jpeg", "webp")
        ),
        verdict="allow",
        labels=(Label(name="Smoking", parent="Drugs & Tobacco", confidence=45.5),),
        milliseconds={"fetch": 12, "render": 210.5, "total": 300},
        picture=f"originals/{file}",
    )


BLOCKED = Outcome(
    upload=upload("moderation/to-block.jpg"),
    status="BLOCKED",
    announced=True,
    reason="policy_block",
    detail="Weapons 96.0 reached the block threshold of 90",
    content_type="image/jpeg",
    width=1200,
    height=800,
    verdict="block",
    labels=(Label(name="Weapons", parent="Violence", confidence=96.0),),
    picture="originals/moderation/to-block.jpg",
)
REJECTED = Outcome(
    upload=upload("broken.jpg"),
    status="REJECTED",
    announced=True,
    reason="corrupt",
    detail="<b>cut</b> off",
)


def a_run(*outcomes: Outcome, leftovers: tuple[str, ...] = ()) -> Run:
    return Run(
        stack="dev",
        seconds=Seconds(deploy=3.20449, process=5.8, destroy=0.6, total=9.7),
        resources=46,
        leftovers=leftovers,
        outcomes=outcomes,
        mails=(
            Mail(recipient="alerts@example.com", subject="<i>BLOCKED</i>", path="outbox/0001 alerts.eml"),
        ),
        logs=("logs/process_image.log",),
    )


class Page(HTMLParser):
    """What a browser makes of the page: elements in order, and the text of each kind."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.text += f" {data.strip()}" if data.strip() else ""

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


def test_json_has_exactly_the_fixed_shape() -> None:
    document = report.as_json(a_run(published("a b.jpg"), leftovers=("arn:aws:s3:::left",)))
    (entry,) = document.pop("objects")
    assert document == {
        "stack": "dev",
        "moderation": "stand-in",
        "seconds": {"deploy": 3.204, "process": 5.8, "destroy": 0.6, "total": 9.7},
        "resources": 46,
        "leftovers": ["arn:aws:s3:::left"],
    }
    renditions = entry.pop("renditions")
    assert entry == {
        "file": "a b.jpg",
        "key": "a b.jpg",
        "status": "PUBLISHED",
        "reason": None,
        "detail": None,
        "content_type": "image/jpeg",
        "width": 1500,
        "height": 1000,
        "moderation": {
            "verdict": "allow",
            "labels": [{"name": "Smoking", "parent": "Drugs & Tobacco", "confidence": 45.5}],
        },
        "milliseconds": {"fetch": 12, "render": 210.5, "total": 300},
    }
    assert len(renditions) == 4
    assert renditions[0] == {
        "name": "thumbnail",
        "format": "jpeg",
        "width": 150,
        "height": 75,
        "bytes": 9_000,
        "path": "renditions/a b.jpg/v1/thumbnail-0a1b2c3d.jpeg",
    }


def test_json_of_a_rejected_object_has_the_same_fields_with_nulls() -> None:
    (entry,) = report.as_json(a_run(REJECTED))["objects"]
    assert entry.keys() == report.as_json(a_run(published("a.jpg")))["objects"][0].keys()
    assert entry["renditions"] == []
    assert entry["moderation"] == {"verdict": None, "labels": []}
    assert (entry["reason"], entry["content_type"], entry["width"]) == ("corrupt", None, None)


def test_hostile_names_become_text_and_never_markup() -> None:
    outcome = replace(published(HOSTILE), labels=(Label(name="<img src=x>", parent="<u>", confidence=50),))
    page = Page(report.as_html(a_run(outcome, REJECTED)))
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "iframe", "object", "embed", "u", "i onerror"}
    assert HOSTILE in page.text
    assert "<b>cut</b> off" in page.text
    assert "<img src=x>" in page.text
    for _, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")]


def test_pictures_of_hostile_names_are_found_by_their_relative_paths() -> None:
    page = Page(report.as_html(a_run(published(HOSTILE))))
    sources = [image["src"] for image in page.all("img")]
    assert all(source.startswith("./") for source in sources)
    assert all(not set("?#\"'<> ") & set(source) for source in sources)
    assert unquote(sources[0]) == f"./originals/{HOSTILE}"


def test_page_loads_nothing_remote_and_runs_no_script() -> None:
    html = report.as_html(a_run(published("a.jpg"), BLOCKED, REJECTED))
    page = Page(html)
    assert not re.search(r"https?:|//[a-z]|@import|url\(", html)
    assert not page.all("script")
    assert not page.all("link")
    policy = next(meta for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert policy["content"].startswith("default-src 'none'")


def test_the_dashboard_is_drawn_with_its_numbers_and_words_stay_words() -> None:
    line = Line(label=HOSTILE, adds_up=True, color="#2ca02c", values=(2.0, None, 1.0), whole=3.0)
    chart = Chart(title="What comes <out>", x=0, y=0, width=12, lines=(line,))
    rows = ((HOSTILE, None, 1234.5), *(("b", "c", number) for number in range(9)))
    listing = Listing(title="The <slowest>", table=Table(columns=("object_key", "reason", "ms"), rows=rows))
    board = Board(charts=(chart,), listings=(listing,), period=5, periods=3, is_deployed=True)
    page = Page(report.as_html(replace(a_run(published("a.jpg")), board=board)))
    assert "The charts and tables of the stack's CloudWatch dashboard" in page.text
    assert "5 seconds to a point" in page.text
    assert f"{HOSTILE} 3 " in page.text
    assert [each["height"] for each in page.all("rect")] == ["100.00", "50.00"]
    (plot,) = (each for each in page.all("div") if each.get("class") == "plot")
    assert plot["aria-label"] == f"What comes <out>: {HOSTILE} 3"
    assert f"The <slowest> object_key reason ms {HOSTILE} 1,234 b c 0" in page.text
    assert "b c 6 and 2 more" in page.text
    assert not page.all("script")


def test_without_a_dashboard_the_page_names_none() -> None:
    assert "ashboard shows" not in report.as_html(a_run(published("a.jpg")))


def test_every_verdict_is_marked_as_the_stand_ins() -> None:
    page = Page(report.as_html(a_run(published("a.jpg"), BLOCKED, REJECTED)))
    assert page.text.count("Verdict stand-in") == 3
    assert "Moderation: stand-in" in page.text


def test_each_object_says_which_way_it_went_in() -> None:
    given = "api/" + "k" * 32
    through = Upload(file="sent.jpg", path=Path("photos/sent.jpg"), bytes=1, given_key=given)
    refused = Upload(file="refused.jpg", path=Path("photos/refused.jpg"), bytes=1, refused="its name")
    outcomes = [published("put.jpg"), replace(BLOCKED, upload=through), replace(REJECTED, upload=refused)]
    page = Page(report.as_html(a_run(*outcomes)))
    doors = [span.get("title") for span in page.all("span") if span.get("class") == "door"]
    assert doors == ["put.jpg", given]
    assert "put.jpg into the bucket" in page.text
    assert "sent.jpg through the API" in page.text
    assert "; 1 through the API)" in page.text


def test_there_is_one_filter_for_each_status_that_occurs() -> None:
    html = report.as_html(a_run(published("a.jpg"), published("b.jpg"), BLOCKED, REJECTED))
    page = Page(html)
    choices = [field["id"] for field in page.all("input") if field["type"] == "radio"]
    assert choices == ["show-all", "show-1", "show-2", "show-3"]
    assert "Show all 4 published 2 blocked 1 rejected 1" in page.text
    cards = [card["class"].split()[-1] for card in page.all("article")]
    assert cards == ["in-1", "in-1", "in-2", "in-3"]
    for choice in (1, 2, 3):
        assert f"body:has(#show-{choice}:checked) .card:not(.in-{choice}) {{ display: none; }}" in html


@pytest.mark.parametrize(("status", "veiled"), [("BLOCKED", True), ("REVIEW", True), ("PUBLISHED", False)])
def test_originals_that_the_policy_objects_to_are_veiled_until_asked_for(status: str, veiled: bool) -> None:
    page = Page(report.as_html(a_run(replace(BLOCKED, status=status))))
    checkboxes = [field for field in page.all("input") if field["type"] == "checkbox"]
    assert bool(checkboxes) is veiled
    linked = [link["href"] for link in page.all("a")]
    assert ("./originals/moderation/to-block.jpg" in linked) is not veiled


def test_what_waits_for_a_person_says_where_it_is_decided(capsys: pytest.CaptureFixture[str]) -> None:
    waiting = a_run(published("a.jpg"), replace(BLOCKED, status="REVIEW"))
    assert "python -m operations review opens the console" in Page(report.as_html(waiting)).text
    options = cli.Options(stack="dev", photos=None, out=Path("out"))
    cli._conclude(waiting, options)
    assert "1 waits for a person: `make serve`" in capsys.readouterr().out
    cli._conclude(a_run(published("a.jpg")), options)
    assert "for a person" not in capsys.readouterr().out


DECISIONS = Decisions(
    approval=Approval(
        file=HOSTILE,
        why="<u>Violence</u> 75",
        person="arn:aws:iam::1:user/a",
        seconds=0.44,
        evidence="evidence/1.json",
    ),
    removal=Removal(
        files=(HOSTILE, "copy.jpg"),
        renditions=16,
        seconds=0.61,
        evidence=("evidence/2.json", "evidence/3.json"),
    ),
    trial=Trial(
        settings=("moderation.block.Violence=70",),
        outcomes=9,
        same=5,
        changes=(
            Change(
                before="REVIEW",
                after="BLOCKED",
                label="Violence",
                count=3,
                files=(HOSTILE,),
                decided="2 approve",
            ),
        ),
        unknown=(("moderation was off", 1),),
    ),
)


def test_what_people_decided_is_shown_with_its_evidence_and_the_commands_for_a_stack_that_is_up() -> None:
    waiting = [replace(BLOCKED, upload=upload(f"{n}.jpg"), status="REVIEW") for n in range(6)]
    page = Page(report.as_html(replace(a_run(*waiting), decisions=DECISIONS)))
    assert "Waits for a person 6" in page.text
    assert "and 2 more" in page.text
    assert "Approved published after 0.4 s" in page.text
    assert "Taken down gone after 0.6 s" in page.text
    assert "16 renditions were removed" in page.text
    assert "3 review → blocked Violence" in page.text
    assert "(people: 2 approve) 5 the same 1 unknown moderation was off" in page.text
    links = [link["href"] for link in page.all("a")]
    assert links[:3] == ["./evidence/1.json", "./evidence/2.json", "./evidence/3.json"]
    commands = [line for line in page.text.split("python -m operations ")[1:] if "--stack dev" in line]
    assert [line.split()[0] for line in commands] == ["review", "review", "takedown", "what-if"]
    assert shlex.quote(HOSTILE) in commands[1]
    assert not {"script", "u"} & {tag for tag, _ in page.elements}


def test_decisions_that_were_not_carried_out_make_the_run_a_failure() -> None:
    assert DECISIONS.approval is not None
    assert DECISIONS.removal is not None
    late = Decisions(
        approval=replace(DECISIONS.approval, seconds=None), removal=replace(DECISIONS.removal, seconds=None)
    )
    run = replace(a_run(published("a.jpg")), decisions=late)
    assert [trouble.rpartition(" ")[2] for trouble in run.troubles] == ["time", "renditions"]
    assert "Approved not published in time" in Page(report.as_html(run)).text
    assert a_run(published("a.jpg")).troubles == []


def test_policy_that_cannot_be_tried_is_explained() -> None:
    run = replace(a_run(published("a.jpg")), decisions=Decisions(no_trial="moderation: <b>no</b>"))
    page = Page(report.as_html(run))
    assert "Not tried: moderation: <b>no</b>" in page.text
    assert "Nothing does: the policy sent nothing to review." in page.text


def test_renditions_are_grouped_by_size_with_every_format_linked() -> None:
    page = Page(report.as_html(a_run(published("a.jpg"))))
    assert "large 1500 \N{MULTIPLICATION SIGN} 750 jpeg 9 KB webp 9 KB" in page.text
    assert page.text.index("large 1500") < page.text.index("thumbnail 150")


@pytest.mark.parametrize(
    ("width", "height", "displayed"),
    [(1500, 1000, 280), (40, 3000, 3), (2600, 520, 730), (90, 60, 90), (1, 5000, 1)],
)
def test_pictures_of_any_shape_keep_the_page_in_shape(width: int, height: int, displayed: int) -> None:
    odd = replace(rendition("a.jpg", "large", "jpeg", 1), width=width, height=height)
    page = Page(report.as_html(a_run(replace(published("a.jpg"), renditions=(odd,)))))
    (picture,) = (image for image in page.all("img") if "renditions/" in image["src"])
    assert picture["style"] == f"width: {displayed}px"


def test_problems_and_leftovers_are_named() -> None:
    missing = Outcome(upload=upload("lost.jpg"), status=None)
    failed = Outcome(
        upload=upload("bad.jpg"), status="FAILED", announced=True, reason="proxy_refused", detail="no"
    )
    run = a_run(published("a.jpg"), missing, failed, leftovers=("arn:aws:sqs:::q",))
    assert run.troubles == [
        "lost.jpg has no record",
        "bad.jpg FAILED (proxy_refused): no",
        "left over after destroy: arn:aws:sqs:::q",
    ]
    page = Page(report.as_html(run))
    assert "3 problems." in page.text
    assert all(trouble in page.text for trouble in run.troubles)
    assert not a_run(published("a.jpg"), REJECTED, BLOCKED).troubles


def test_unannounced_and_unfinished_objects_are_problems() -> None:
    unannounced = replace(published("a.jpg"), announced=False)
    unfinished = Outcome(upload=upload("b.jpg"), status="PROCESSING")
    refused = Outcome(upload=replace(upload("c.jpg"), version_id=None, refused="KeyTooLong"), status=None)
    assert [bool(each.trouble) for each in (unannounced, unfinished, refused)] == [True, True, True]
    assert [each.settled for each in (unannounced, unfinished, refused)] == [False, False, True]


def test_files_are_written_even_for_names_that_are_not_unicode(tmp_path: Path) -> None:
    report.write(a_run(published("a\udcff.jpg")), tmp_path)
    assert (
        json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["objects"][0]["file"] == "a?.jpg"
    )
    assert "a?.jpg" in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (999, "999 B"), (1_000, "1 KB"), (999_499, "999 KB"), (999_500, "1.0 MB")]
)
def test_sizes_are_readable(count: int, text: str) -> None:
    assert report.human_size(count) == text
