"""`make demo` from end to end, as its user starts it: in a process of its own, with a machine's own AWS settings."""

import hashlib
import json
import os
import re
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import av
import pytest
import yaml
from PIL import Image, ImageChops, ImageStat

from local.demo import samples, scenes
from local.demo.filming import watch

ROOT = Path(__file__).resolve().parents[3]
SECONDS = 120  # for a run that takes some ten

# None of these may be used: each would break the run, or reach for somebody's account.
SOMEBODYS_AWS = {
    "AWS_ACCESS_KEY_ID": "AKIASOMEBODYS0000000",
    "AWS_SECRET_ACCESS_KEY": "somebodys-secret",
    "AWS_SESSION_TOKEN": "somebodys-token",
    "AWS_PROFILE": "no-such-profile",
    "AWS_REGION": "us-gov-west-1",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_CA_BUNDLE": "/no/such/bundle.pem",
}

EXPECTED = {
    "broken/half a download.jpg": "REJECTED",
    "broken/half a video.mp4": "REJECTED",
    "broken/not a picture.jpg": "REJECTED",
    "landscape, camera held upright.jpg": "PUBLISHED",
    "logo, transparent.png": "PUBLISHED",
    "moderation/card in a video.mp4": "BLOCKED",
    "moderation/exempt.jpg": "PUBLISHED",
    "moderation/safe.jpg": "PUBLISHED",
    "moderation/to-block.jpg": "BLOCKED",
    "moderation/to-review, then approved.jpg": "PUBLISHED",
    "moderation/to-review.jpg": "REVIEW",
    "panorama.jpg": "PUBLISHED",
    "portrait.jpg": "PUBLISHED",
    "Sommer 2024/Grüße vom See + Berge.webp": "PUBLISHED",
    "taken down/photo of somebody.jpg": "BLOCKED",
    "taken down/the same photo, posted again.jpg": "BLOCKED",
    "videos/at an uneven pace.webm": "PUBLISHED",
    "videos/held upright, with sound.mov": "PUBLISHED",
    "videos/panorama, panned.mp4": "PUBLISHED",
    "wide gamut.jpg": "PUBLISHED",
}

# What they were before people decided.
BEFORE = {
    "moderation/to-review, then approved.jpg": "REVIEW",
    "taken down/photo of somebody.jpg": "PUBLISHED",
    "taken down/the same photo, posted again.jpg": "PUBLISHED",
}


def run_demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "local.demo", *arguments],
        cwd=ROOT,
        env={**os.environ, **SOMEBODYS_AWS},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=SECONDS,
        check=False,
    )


class Demo:
    """A finished run and what it left in OUT."""

    def __init__(self, out: Path, process: subprocess.CompletedProcess[str]) -> None:
        self.out = out
        self.process = process
        assert process.returncode == 0, process.stdout + process.stderr
        self.report: dict[str, Any] = json.loads((out / "report.json").read_text(encoding="utf-8"))

    def entry(self, file: str) -> dict[str, Any]:
        (found,) = (entry for entry in self.report["objects"] if entry["file"] == file)
        return dict(found)

    def picture(self, file: str, name: str, format_: str = "jpeg") -> Image.Image:
        (found,) = (
            each
            for each in self.entry(file)["renditions"]
            if (each["name"], each["format"]) == (name, format_)
        )
        with Image.open(self.out / found["path"]) as picture:
            picture.load()
            return picture


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    out = tmp_path_factory.mktemp("demo") / "out put"
    return Demo(out, run_demo("--out", str(out)))


@pytest.fixture(scope="module")
def prod(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    folder = tmp_path_factory.mktemp("demo-prod")
    photos = folder / "pho tos"
    photos.mkdir()
    scenes.lake((1500, 1000)).save(photos / "<script>alert(1)<.jpg")
    from embedded_aws.rekognition import draw_card

    draw_card(samples.CARDS["to-block"]).save(photos / "card.jpg", quality=90)
    return Demo(
        folder / "out", run_demo("--stack", "prod", "--photos", str(photos), "--out", str(folder / "out"))
    )


def difference(first: Image.Image, second: Image.Image) -> float:
    """Return the mean difference of two pictures of the same size, in levels of 255."""
    stat = ImageStat.Stat(ImageChops.difference(first.convert("RGB"), second.convert("RGB")))
    return sum(stat.mean) / len(stat.mean)


def test_every_sample_ends_as_it_should(dev: Demo) -> None:
    assert {entry["file"]: entry["status"] for entry in dev.report["objects"]} == EXPECTED
    assert dev.report["leftovers"] == []
    assert dev.report["moderation"] == "stand-in"
    assert dev.report["resources"] > 40
    seconds = dev.report["seconds"]
    assert seconds["total"] >= seconds["deploy"] + seconds["process"] + seconds["destroy"]


def test_each_file_came_by_one_door_and_some_by_the_api(dev: Demo) -> None:
    keys = [entry["key"] for entry in dev.report["objects"]]
    put = [entry for entry in dev.report["objects"] if entry["key"] == entry["file"]]
    assert len(set(keys)) == len(keys) == len(EXPECTED)
    assert {key.partition("/")[0] for key in keys if key not in EXPECTED} == {"api"}
    assert len(EXPECTED) / 2 < len(put) < len(EXPECTED)


def test_every_rendition_lies_where_the_report_says_in_the_size_it_says(dev: Demo) -> None:
    sizes = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text(encoding="utf-8"))["config"]
    names = set(sizes["media-pipeline:sizes"])
    for entry in dev.report["objects"]:
        assert bool(entry["renditions"]) is (entry["status"] == "PUBLISHED"), entry["file"]
        if entry["renditions"]:
            further = {"video"} if entry["content_type"].startswith("video/") else set()
            assert {each["name"] for each in entry["renditions"]} == names | further, entry["file"]
        for each in entry["renditions"]:
            path = dev.out / each["path"]
            assert path.is_relative_to(dev.out / "renditions")
            assert path.stat().st_size == each["bytes"]
            if each["format"] == "mp4":
                assert next(watch(path))[1].size == (each["width"], each["height"])
                continue
            with Image.open(path) as picture:
                assert (picture.format or "").lower() == each["format"]
                assert picture.size == (each["width"], each["height"])
    listed = {each["path"] for entry in dev.report["objects"] for each in entry["renditions"]}
    found = {
        path.relative_to(dev.out).as_posix() for path in dev.out.glob("renditions/**/*") if path.is_file()
    }
    assert found == listed


def test_pictures_come_out_upright_and_in_their_colours(dev: Demo) -> None:
    entry = dev.entry("landscape, camera held upright.jpg")
    assert (entry["width"], entry["height"]) == (1500, 1000)
    assert difference(dev.picture(entry["file"], "large"), scenes.lake()) < 3
    # Display P3's strong colours are brighter in sRGB's numbers: shown unconverted they would look dull.
    garden = dev.picture("wide gamut.jpg", "large")
    assert "icc_profile" not in garden.info
    assert difference(garden, scenes.garden()) > 4


def test_blocked_and_reviewed_cards_say_why_and_publish_nothing(dev: Demo) -> None:
    blocked = dev.entry("moderation/to-block.jpg")
    assert blocked["moderation"]["verdict"] == "block"
    assert "Weapons" in {label["name"] for label in blocked["moderation"]["labels"]}
    assert "Weapons" in blocked["detail"]
    assert dev.entry("moderation/to-review.jpg")["moderation"]["verdict"] == "review"
    assert dev.entry("moderation/exempt.jpg")["moderation"]["verdict"] == "allow"
    assert dev.entry("moderation/safe.jpg")["moderation"]["labels"]


def test_card_in_the_middle_of_a_video_blocks_it_and_videos_come_out_upright_with_their_sound(
    dev: Demo,
) -> None:
    blocked = dev.entry("moderation/card in a video.mp4")
    assert "Weapons" in {label["name"] for label in blocked["moderation"]["labels"]}
    assert "Weapons" in blocked["detail"]
    upright = dev.entry("videos/held upright, with sound.mov")
    (film,) = (dev.out / each["path"] for each in upright["renditions"] if each["name"] == "video")
    with av.open(str(film), "r") as container:
        assert len(container.streams.audio) == 1
    shown = next(watch(film))[1]
    assert shown.height > shown.width
    for poster in ("large", "small"):
        assert dev.picture(upright["file"], poster).height > dev.picture(upright["file"], poster).width


def test_broken_files_have_their_reason(dev: Demo) -> None:
    assert dev.entry("broken/half a download.jpg")["reason"] == "corrupt"
    assert dev.entry("broken/half a video.mp4")["reason"] == "corrupt"
    assert dev.entry("broken/not a picture.jpg")["reason"] == "unsupported_type"
    assert all(dev.entry(file)["detail"] for file in EXPECTED if file.startswith("broken/"))


def test_each_objects_outcome_is_one_line_of_its_functions_log(dev: Demo) -> None:
    outcomes = Counter()  # type: Counter[tuple[str, str]]
    for function in ("process_image", "process_video"):
        for line in (dev.out / "logs" / f"{function}.log").read_text(encoding="utf-8").splitlines():
            if line.startswith("{"):
                entry = json.loads(line)
                if "object_key" in entry and "status" in entry:
                    outcomes[entry["object_key"], entry["status"]] += 1
    expected = [*EXPECTED.items(), *BEFORE.items()]
    assert outcomes == Counter((dev.entry(file)["key"], status) for file, status in expected)


def test_people_approved_one_file_and_took_one_down_with_its_copy_each_with_evidence(dev: Demo) -> None:
    approved = dev.entry("moderation/to-review, then approved.jpg")
    assert approved["renditions"]
    assert approved["moderation"]["verdict"] == "review"
    named, copy = (dev.entry(file) for file in EXPECTED if file.startswith("taken down/"))
    assert named["reason"] == copy["reason"] == "taken_down"
    assert named["moderation"]["verdict"] == "allow"
    evidence = [json.loads(file.read_text(encoding="utf-8")) for file in dev.out.glob("evidence/*.json")]
    keys = {each["object_key_sha256"]: each["action"] for each in evidence}
    assert keys == {
        hashlib.sha256(entry["key"].encode()).hexdigest(): action
        for entry, action in ((approved, "approve"), (named, "withdraw"), (copy, "withdraw"))
    }
    page = (dev.out / "report.html").read_text(encoding="utf-8")
    assert "3 of 17 would change" in dev.process.stdout
    assert "(people: 1 approve)" in page
    assert "in time" not in page


def test_the_page_shows_pictures_that_are_there(dev: Demo) -> None:
    class Sources(HTMLParser):
        found: list[str] = []  # noqa: RUF012 - one page, one list

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            links = ("src", "href", "poster")
            self.found += [value or "" for name, value in attrs if name in links and tag != "meta"]

    Sources().feed((dev.out / "report.html").read_text(encoding="utf-8"))
    assert len(Sources.found) > 60
    beside = [source for source in Sources.found if source != "#dashboard"]
    assert all((dev.out / unquote(source)).is_file() for source in beside)


def test_the_page_draws_the_dashboard_from_what_the_functions_logged(dev: Demo) -> None:
    page = (dev.out / "report.html").read_text(encoding="utf-8")
    assert page.count('<figure class="chart"') == 8
    assert "that this stack gets with <code>dashboard: true" in page
    logs = "".join(path.read_text(encoding="utf-8") for path in dev.out.glob("logs/process_*.log"))
    counted = {
        name: sum(
            float(value)
            for found in re.findall(rf'"{name}": ?\[([^]]+)\]', logs)
            for value in found.split(",")
        )
        for name in ("Published", "Review", "Blocked", "Rejected", "PicturesJudged")
    }
    shown = dict(re.findall(r"</i>([^<]+) <b>([^<]+)</b>", page))
    judged = counted.pop("PicturesJudged")
    assert {name: float(shown[name]) for name in counted} == counted
    assert float(shown["spent"]) == pytest.approx(judged * 0.001)
    assert shown["process-image errors"] == "0"
    withheld = page.split("Why objects were withheld")[1].split("</table>")[0]
    assert withheld.count("<tr>") == 1 + 5
    assert "<bdi>taken_down</bdi>" in withheld


def test_the_terminal_shows_what_happened_in_plain_lines(dev: Demo) -> None:
    output = dev.process.stdout
    assert "BLOCKED" in output
    assert "Deploying stack dev" in output
    assert "nothing left over" in output
    assert "\x1b" not in output
    assert "log group" not in output  # a warning that the functions' lines are lost
    assert dev.process.stderr == ""


@pytest.mark.long
def test_prod_differs_from_dev_as_its_file_says(prod: Demo) -> None:
    config = yaml.safe_load((ROOT / "Pulumi.prod.yaml").read_text(encoding="utf-8"))["config"]
    assert config["media-pipeline:protect"] is True
    assert prod.report["stack"] == "prod"
    (left,) = prod.report["leftovers"]
    assert "/backup/" in left  # DynamoDB's own, for 35 days; all else is gone, although it was protected
    entry = prod.entry("<script>alert(1)<.jpg")
    sizes = config["media-pipeline:sizes"]
    assert {each["name"] for each in entry["renditions"]} == set(sizes)
    assert {each["format"] for each in entry["renditions"]} == set(config["media-pipeline:formats"])
    card = prod.picture(entry["file"], "card")
    assert card.size == (sizes["card"]["width"], sizes["card"]["height"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--stack", "nowhere"], "There is no stack 'nowhere'"),
        (["--stack", "../dev"], "There is no stack '../dev'"),
        (["--photos", "{tmp}/none"], "There is no folder"),
        (["--photos", "{tmp}"], "There is no file in"),
        (["--photos", "{root}/demo", "--out", "{root}/demo"], "holds the photos"),
        (["--photos", "{root}/demo", "--out", "{tmp}/mine"], "was not made by the demo"),
    ],
)
def test_unusable_arguments_are_reported_in_one_line(
    tmp_path: Path, arguments: list[str], message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    from local.demo.cli import MISUSED, main

    if "{tmp}/mine" in arguments:
        (tmp_path / "mine" / "renditions").mkdir(
            parents=True
        )  # which the demo would clear, and somebody else made
    given = [argument.format(tmp=tmp_path, root=ROOT) for argument in arguments]
    if "--out" not in given:
        given += ["--out", str(tmp_path / "out")]
    assert main(given) == MISUSED
    printed = capfd.readouterr()
    assert message in printed.err
    assert printed.err.count("\n") == 1
    assert printed.out == ""
    assert not (tmp_path / "out").exists()
