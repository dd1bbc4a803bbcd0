"""GIFs on one canvas of the screen's size, as browsers draw them."""

import struct

import pytest
from PIL import Image

from media_pipeline.errors import Reason, RejectedError
from media_pipeline.images.containers import gif
from media_pipeline.images.inspection import inspect
from media_pipeline.limits import Limits
from tests.unit.images.drawing import LIMITS, opened, pixel, rendered, saved, specs

RED, GREEN, BLUE, WHITE = (200, 30, 30), (30, 150, 60), (40, 60, 190), (255, 255, 255)
COLOURS = (RED, GREEN, BLUE, WHITE)
Place = tuple[int, int, int, int]


def frame(
    colour: int, box: Place, disposal: int = 0, transparent: int | None = None, *, delay: int = 10
) -> bytes:
    """A graphic control extension and a frame of one colour, with the global palette."""
    left, top, right, bottom = box
    flags = disposal << 2 | (transparent is not None)
    control = b"!\xf9\x04" + struct.pack("<BHB", flags, delay, transparent or 0) + b"\0"
    size = right - left, bottom - top
    drawn = Image.new("P", size, colour)
    drawn.putpalette([level for each in COLOURS for level in each])
    alone = saved(drawn, "GIF", optimize=False)
    pixels = alone[alone.index(b",", 13 + 3 * 4) + 10 : -1]
    return control + b"," + struct.pack("<HHHHB", left, top, *size, 0) + pixels


def film(*frames: bytes, screen: tuple[int, int] = (100, 80)) -> bytes:
    palette = b"".join(bytes(each) for each in COLOURS)
    return b"GIF89a" + struct.pack("<HHBBB", *screen, 0x81, 0, 0) + palette + b"".join(frames) + b";"


def shown(data: bytes) -> list[Image.Image]:
    """All frames of the animated rendition."""
    wanted = specs({"same": 100}, ("webp",), transparency="keep", quality=100)
    image = opened(rendered(data, wanted).renditions[0].data)
    found = []
    for number in range(getattr(image, "n_frames", 1)):
        image.seek(number)
        found.append(image.convert("RGBA"))
    return found


def near(image: Image.Image, at: tuple[int, int], colour: tuple[int, ...] | None) -> bool:
    """Whether a pixel has a colour; None: is clear."""
    found = pixel(image, at)
    if colour is None:
        return found[3] == 0
    return found[3] == 255 and all(abs(a - b) < 25 for a, b in zip(found, colour, strict=False))


WHOLE = (0, 0, 100, 80)
PART = (20, 20, 60, 60)


def test_frame_beyond_the_screen_is_cut_off() -> None:
    data = film(frame(0, WHOLE), frame(1, (50, 40, 160, 140)), frame(2, (0, 0, 10, 10)))
    assert (inspect(data, LIMITS).width, inspect(data, LIMITS).height) == (100, 80)
    frames = shown(data)
    assert [image.size for image in frames] == [(100, 80)] * 3
    assert near(frames[1], (75, 60), GREEN)
    assert near(frames[1], (30, 20), RED)
    assert near(frames[2], (5, 5), BLUE)


def test_frame_that_lies_wholly_beyond_the_screen_changes_nothing() -> None:
    frames = shown(film(frame(0, WHOLE), frame(1, (200, 200, 220, 220)), frame(2, PART)))
    assert near(frames[0], (40, 40), RED)
    assert near(frames[-1], (40, 40), BLUE)
    assert near(frames[-1], (90, 70), RED)


def test_screen_grows_to_its_first_frame() -> None:
    data = film(frame(0, WHOLE), frame(1, PART), screen=(10, 10))
    assert (inspect(data, LIMITS).width, inspect(data, LIMITS).height) == (100, 80)
    assert near(shown(data)[0], (90, 70), RED)


@pytest.mark.parametrize(
    ("disposal", "left_behind"), [(0, BLUE), (1, BLUE), (2, None), (3, RED), (4, RED), (7, BLUE)]
)
def test_frame_is_disposed_of_as_it_says(disposal: int, left_behind: tuple[int, int, int] | None) -> None:
    frames = shown(film(frame(0, WHOLE), frame(2, PART, disposal), frame(1, (90, 70, 100, 80))))
    assert near(frames[1], (40, 40), BLUE)
    assert near(frames[2], (40, 40), left_behind)
    assert near(frames[2], (5, 5), RED)


def test_disposal_is_each_frames_own() -> None:
    frames = shown(film(frame(0, WHOLE), frame(2, PART, 2), frame(1, PART, 0), frame(3, (0, 0, 5, 5))))
    assert near(frames[3], (40, 40), GREEN)


@pytest.mark.parametrize("disposal", [2, 3])
def test_before_the_first_frame_the_canvas_is_clear(disposal: int) -> None:
    frames = shown(film(frame(0, WHOLE, disposal), frame(1, PART)))
    assert near(frames[0], (5, 5), RED)
    assert near(frames[1], (5, 5), None)
    assert near(frames[1], (40, 40), GREEN)


def test_transparent_index_leaves_the_canvas_as_it_is() -> None:
    frames = shown(film(frame(0, WHOLE), frame(2, PART, transparent=2), frame(1, (0, 0, 9, 9))))
    assert near(frames[1], (40, 40), RED)


def test_screen_that_no_frame_covers_is_clear() -> None:
    frames = shown(film(frame(0, PART), frame(1, (60, 60, 80, 80))))
    assert near(frames[0], (5, 5), None)
    assert near(frames[1], (40, 40), RED)


def test_frames_larger_than_the_screen_count_with_all_their_pixels() -> None:
    data = film(frame(0, (0, 0, 1, 1)), *[frame(1, (0, 0, 900, 900))] * 3, screen=(1, 1))
    with pytest.raises(RejectedError) as refused:
        inspect(data, Limits(pixels=1_000_000))
    assert refused.value.reason is Reason.TOO_MANY_PIXELS


def test_millions_of_blocks_are_refused() -> None:
    data = film(b"!\xfe" + b"\x01a" * (gif.MAX_SUB_BLOCKS + 1) + b"\0" + frame(0, WHOLE))
    with pytest.raises(RejectedError) as refused:
        inspect(data, LIMITS)
    assert refused.value.reason is Reason.RESOURCE_EXHAUSTED


def test_animation_whose_frames_are_too_much_work_is_refused_by_its_header() -> None:
    data = film(*[frame(number % 3, WHOLE) for number in range(4)])
    assert rendered(data, specs({"same": 100}, ("webp",)), Limits(pixels=16_000))
    with pytest.raises(RejectedError, match="allowed for an animation") as refused:
        inspect(data, Limits(pixels=15_999))
    assert refused.value.reason is Reason.TOO_MANY_PIXELS
