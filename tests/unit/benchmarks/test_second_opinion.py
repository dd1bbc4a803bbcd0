"""A second opinion counts only if differences are seen, and if none passes without a reason."""

from dataclasses import replace

import pytest
from PIL import Image

from benchmarks.second_opinion import ours
from benchmarks.second_opinion.__main__ import _report
from benchmarks.second_opinion.reasons import KINDS, disagreements, explained
from benchmarks.second_opinion.views import View, differences, grid
from benchmarks.second_opinion.workers import Shown
from tests.unit.images.drawing import marked, saved

PICTURE = marked(640, 400)


def view(image: Image.Image, frames: int = 1) -> View:
    return View(width=image.width, height=image.height, frames=frames, grids=(grid(image),))


def shown(opinion: ours.Opinion, **views: View) -> Shown:
    return Shown(name="a.png", ours=opinion, views=views)


def test_same_picture_is_no_difference() -> None:
    assert differences(view(PICTURE), view(PICTURE)) == {}


@pytest.mark.parametrize(
    ("image", "what"),
    [
        (PICTURE.transpose(Image.Transpose.ROTATE_90), {"size", "orientation"}),
        (PICTURE.transpose(Image.Transpose.FLIP_LEFT_RIGHT), {"orientation"}),
        (PICTURE.crop((0, 0, 320, 400)), {"size", "colour"}),
        (PICTURE.point([level * 3 // 4 for level in range(256)] * 3), {"colour"}),
    ],
)
def test_each_difference_is_seen(image: Image.Image, what: set[str]) -> None:
    assert differences(view(PICTURE), view(image)).keys() == what


def test_picture_that_is_published_is_shown_as_it_was_drawn() -> None:
    opinion = ours.opinion(saved(PICTURE, "PNG"))
    assert opinion.view is not None
    assert differences(opinion.view, view(PICTURE)) == {}


def test_refusal_of_what_a_peer_shows_is_a_disagreement() -> None:
    opinion = ours.opinion(saved(PICTURE, "PNG")[:400])
    (found,) = disagreements(shown(opinion, libvips=view(PICTURE)))
    assert (found.what, found.words) == ("refused", "corrupt")
    assert explained(found) is None


def test_disagreement_without_a_reason_is_reported_as_unexplained() -> None:
    opinion = ours.opinion(saved(PICTURE, "PNG"))
    turned = shown(opinion, libvips=view(PICTURE.transpose(Image.Transpose.ROTATE_180)))
    report = _report([turned, shown(opinion, libvips=view(PICTURE))])
    assert report["kinds"] == {"UNEXPLAINED": 1}
    assert report["agree"]["libvips"] == 1


def test_reason_is_found_by_what_the_header_says() -> None:
    opinion = ours.opinion(saved(PICTURE, "PNG"))
    gamma = replace(opinion, facts={**opinion.facts, "colours": "numbers"})
    darker = view(PICTURE.point([level * 3 // 4 for level in range(256)] * 3))
    for known, name in ((opinion, None), (gamma, "gAMA and cHRM")):
        (found,) = disagreements(shown(known, ffmpeg=darker))
        kind = explained(found)
        assert (kind.name if kind else None) == name


def test_each_kind_has_a_name_of_its_own() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS)
