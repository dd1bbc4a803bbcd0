"""Videos in the demo's report: players that load nothing remote, the moments that were judged, veils, previews."""

import json
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from embedded_aws.rekognition import read_card
from local.demo import originals, report, videos
from local.demo.outcomes import Judged, Label, Outcome, Rendition, Run, Seconds, Upload, from_records
from local.demo.output import Output
from local.demo.players import clock, moments_of, player_of

WEAPONS = Label(name="Weapons", parent="Violence", confidence=96.0)
FRAMES = tuple(Judged(time=float(time), labels=(WEAPONS,) if time == 2 else ()) for time in range(5))


def rendition(name: str, format_: str, width: int, height: int) -> Rendition:
    path = f"renditions/a.mp4/v1/{name}-00000000.{format_}"
    return Rendition(name=name, format=format_, width=width, height=height, bytes=9, key=path[11:], path=path)


def upload(path: Path = Path("a.mp4")) -> Upload:
    return Upload(file="a.mp4", path=path, bytes=9, version_id="v1")


PUBLISHED = Outcome(
    upload=upload(),
    status="PUBLISHED",
    announced=True,
    content_type="video/mp4",
    width=640,
    height=360,
    renditions=(
        rendition("thumbnail", "jpeg", 150, 84),
        rendition("large", "webp", 640, 360),
        rendition("video", "mp4", 640, 360),
        rendition("large", "jpeg", 640, 360),
    ),
    verdict="allow",
    frames=tuple(replace(frame, labels=()) for frame in FRAMES),
    seconds=4.0,
    sound=True,
    picture="originals/a.mp4/preview.jpg",
    film="originals/a.mp4/video.mp4",
)
BLOCKED = replace(PUBLISHED, status="BLOCKED", renditions=(), verdict="block", frames=FRAMES)


class ElementCollector(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.found if name == tag]


def page(*outcomes: Outcome) -> ElementCollector:
    seconds = Seconds(deploy=1, process=1, destroy=1, total=3)
    return ElementCollector(
        report.as_html(Run(stack="dev", seconds=seconds, resources=1, leftovers=(), outcomes=outcomes))
    )


def test_published_video_has_a_player_beside_the_original_and_loads_nothing_before_it_is_asked_to() -> None:
    original, player = page(PUBLISHED).all("video")
    assert original["src"] == "./originals/a.mp4/video.mp4"
    assert player["src"] == "./renditions/a.mp4/v1/video-00000000.mp4"
    assert player["poster"] == "./renditions/a.mp4/v1/large-00000000.jpeg"
    for video in (original, player):
        assert video["preload"] == "none"
        assert "controls" in video
        assert "autoplay" not in video


def test_page_may_load_films_from_beside_it_and_from_nowhere_else() -> None:
    policy = next(meta["content"] for meta in page(PUBLISHED).all("meta") if "http-equiv" in meta)
    assert "media-src 'self' file:;" in policy
    assert "http" not in policy


def test_posters_stand_beside_the_player_as_pictures_and_the_video_among_none_of_them() -> None:
    pictures = [image["src"] for image in page(PUBLISHED).all("img")]
    assert pictures == [
        "./renditions/a.mp4/v1/large-00000000.webp",
        "./renditions/a.mp4/v1/thumbnail-00000000.jpeg",
    ]
    assert not [source for source in pictures if source.endswith(".mp4")]


def test_judged_moments_are_shown_with_their_labels() -> None:
    shown = page(BLOCKED)
    assert "5 frames judged, nothing between them" in shown.text
    marks = [mark for mark in shown.all("i") if "title" in mark]
    assert [mark["style"] for mark in marks] == [f"left: {at}.00%" for at in (0, 25, 50, 75, 100)]
    assert [mark["title"] for mark in marks if mark.get("class") == "labelled"] == ["0:02.0: Weapons 96.0"]
    assert "stand-in" in shown.text


def test_blocked_video_is_veiled_and_has_no_player_of_a_rendition() -> None:
    shown = page(BLOCKED)
    assert [video["src"] for video in shown.all("video")] == ["./originals/a.mp4/video.mp4"]
    assert [field["type"] for field in shown.all("input")].count("checkbox") == 1


def test_length_and_sound_are_shown() -> None:
    assert "0:04.0 with sound" in page(PUBLISHED).text
    assert "0:04.0, silent" in page(replace(PUBLISHED, sound=False)).text


@pytest.mark.parametrize(
    ("width", "height", "displayed"), [(1280, 720, 380), (406, 720, 210), (16, 16, 210), (2000, 10, 380)]
)
def test_players_of_any_shape_have_room_for_their_controls(width: int, height: int, displayed: int) -> None:
    player = player_of(replace(PUBLISHED, renditions=(rendition("video", "mp4", width, height),)))
    assert player is not None
    assert (player.displayed, player.poster) == (displayed, None)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00.0"), (7.46, "0:07.5"), (59.96, "1:00.0"), (299.9, "4:59.9"), (3600, "60:00.0")],
)
def test_times_read_as_a_players_do(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_moments_of_a_video_without_a_known_length_or_of_a_single_frame_stay_on_the_line() -> None:
    for seconds in (None, 0.0, 1.0):
        moments = moments_of(replace(BLOCKED, seconds=seconds))
        assert all(0 <= moment.percent <= 100 for moment in moments)
    (only,) = moments_of(replace(BLOCKED, frames=FRAMES[:1], seconds=0.0))
    assert only.percent == 0


def test_what_a_videos_record_says_is_read_and_report_json_keeps_its_shape() -> None:
    item: dict[str, Any] = {
        "object_key": "a.mp4",
        "version_id": "v1",
        "status": "BLOCKED",
        "announced_at": "t",
        "content_type": "video/mp4",
        "duration": Decimal("4.04"),
        "sound": "aac",
        "moderation": {
            "verdict": "block",
            "labels": [{"name": "Weapons", "parent": "Violence", "confidence": 96}],
            "frames": [
                {
                    "time": Decimal("1.5"),
                    "labels": [{"name": "Weapons", "parent": "Violence", "confidence": 96}],
                },
                {"time": 2, "labels": []},
            ],
        },
    }
    (outcome,) = from_records([upload()], [item])
    assert (outcome.seconds, outcome.sound, outcome.is_video) == (4.04, True, True)
    assert outcome.frames == (Judged(time=1.5, labels=(WEAPONS,)), Judged(time=2.0, labels=()))
    seconds = Seconds(deploy=1, process=1, destroy=1, total=3)
    run = Run(stack="dev", seconds=seconds, resources=1, leftovers=(), outcomes=(outcome,))
    (entry,) = json.loads(json.dumps(report.as_json(run)))["objects"]
    assert set(entry["moderation"]) == {"verdict", "labels"}
    assert not {"frames", "film", "seconds"} & set(entry)


def test_preview_shows_the_frame_that_was_judged_worst_upright(tmp_path: Path) -> None:
    made = tmp_path / "videos"
    made.mkdir()
    videos.draw_card(made, {"Weapons": 96.0})
    (path,) = made.iterdir()
    output = Output(tmp_path / "out")
    output.prepare()
    outcome = replace(BLOCKED, upload=upload(path), picture=None, film=None)
    placed = originals.place(outcome, output)
    assert (placed.film, placed.picture) == ("originals/a.mp4/video.mp4", "originals/a.mp4/preview.jpg")
    assert (output.root / "originals/a.mp4/video.mp4").read_bytes() == path.read_bytes()
    with Image.open(output.root / "originals/a.mp4/preview.jpg") as preview:
        assert read_card(preview) == [("Weapons", 96.0)]


def test_what_cannot_be_previewed_is_not_shown_at_all(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no video")
    output = Output(tmp_path / "out")
    output.prepare()
    outcome = replace(BLOCKED, upload=upload(tmp_path / "a.mp4"), picture=None, film=None)
    placed = originals.place(outcome, output)
    assert (placed.film, placed.picture) == (None, None)
    assert not [path for path in (output.root / "originals").rglob("*") if path.is_file()]
