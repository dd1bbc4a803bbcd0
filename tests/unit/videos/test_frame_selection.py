"""Which frames are judged: what the two promises of `sampling` say, on fingerprints that are drawn number by number."""

import math
import random
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from av.video.frame import VideoFrame
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from embedded_aws.rekognition import draw_card
from media_pipeline.videos.fingerprints import Fingerprint, fingerprint, largest_difference
from media_pipeline.videos.frame_selection import choose_frames
from media_pipeline.videos.scenes import TimedFrame, find_scenes
from tests.fixtures.shares import first_quick

RATE = 10
PIXELS = 32 * 64
BUDGET = 6
Look = Callable[[int], Fingerprint]


def still(seed: int) -> Look:
    """Return a picture that does not move."""
    fingerprint = Fingerprint(random.Random(seed).randbytes(PIXELS))
    return lambda _: fingerprint


def busy(seed: int) -> Look:
    """Return a picture that differs in every frame, as in noise or shaking."""
    return lambda number: Fingerprint(random.Random(f"{seed} {number}").randbytes(PIXELS))


def drifting(number: int) -> Fingerprint:
    """Return a frame of a slow pan: nearly the one before, unlike those a second away."""
    return Fingerprint(
        bytes(int(128 + 90 * math.sin(number * (0.05 + place / 20_000) + place)) for place in range(PIXELS))
    )


def film(*takes: tuple[Look, int]) -> list[TimedFrame]:
    """Return a video of takes that each last so many frames."""
    frames: list[TimedFrame] = []
    for look, count in takes:
        for _ in range(count):
            number = len(frames)
            frames.append(TimedFrame(number / RATE, 1 / RATE, look(number)))
    return frames


def judged(frames: list[TimedFrame], budget: int) -> tuple[int, ...]:
    """Return the frames that are judged, after a look at what holds for every choice."""
    chosen = choose_frames(frames, budget).frames
    assert list(chosen) == sorted(set(chosen))
    assert len(chosen) == min(budget, len(frames))
    assert (chosen[0], chosen[-1]) == (0, len(frames) - 1)
    if len(frames) > budget > 2:
        longest = sum(frame.seconds for frame in frames) / (budget / 2 - 1)
        assert longest_gap(frames, chosen) <= longest * (1 + 1e-5)
    return chosen


def longest_gap(frames: list[TimedFrame], chosen: tuple[int, ...]) -> float:
    """Return the longest time in seconds between two judged frames."""
    return max(
        (sum(frame.seconds for frame in frames[one + 1 : other]) for one, other in pairwise(chosen)),
        default=0.0,
    )


@pytest.mark.parametrize("look", [still(1), busy(1), drifting])
def test_first_and_last_frame_are_judged_and_the_budget_is_spent(look: Look) -> None:
    frames = film((look, 200))
    chosen = judged(frames, BUDGET)
    assert (chosen[0], chosen[-1], len(chosen)) == (0, 199, BUDGET)


def test_of_few_frames_all_are_judged() -> None:
    assert judged(film((busy(1), 4)), BUDGET) == (0, 1, 2, 3)


def test_one_picture_all_the_time_is_judged_evenly() -> None:
    chosen = judged(film((still(1), 101)), BUDGET)
    assert all(abs(gap - 20) <= 8 for gap in (other - one for one, other in pairwise(chosen)))


@given(
    lengths=st.lists(st.integers(1, 80), min_size=1, max_size=12),
    kinds=st.lists(st.sampled_from(["still", "busy", "drifting"]), min_size=12, max_size=12),
    budget=st.integers(2, 9),
    start=st.floats(0, 1),
)
@settings(max_examples=40, deadline=None)
def test_picture_that_is_shown_for_its_share_of_the_time_is_always_judged(
    lengths: list[int], kinds: list[str], budget: int, start: float
) -> None:
    looks: dict[str, Callable[[int], Look]] = {
        "still": still,
        "busy": busy,
        "drifting": lambda _: drifting,
    }
    frames = film(
        *(
            (looks[kind](number), length)
            for number, (kind, length) in enumerate(zip(kinds, lengths, strict=False))
        )
    )
    share = -(-len(frames) // (budget - 1))
    first = int(start * (len(frames) - share))
    card = still(4711)(0)
    for number in range(first, first + share):
        frames[number] = TimedFrame(number / RATE, 1 / RATE, card)
    chosen = judged(frames, budget)
    assert len(chosen) <= budget
    assert any(frames[number].fingerprint == card for number in chosen)


@pytest.mark.parametrize("look", [busy(5), drifting])
def test_between_judged_frames_of_a_moving_picture_less_than_the_share_passes(look: Look) -> None:
    frames = film((look, 301))
    assert longest_gap(frames, judged(frames, BUDGET)) < 30.1 / (BUDGET - 1)


def test_every_scene_is_judged_where_the_budget_allows_however_short() -> None:
    frames = film((still(1), 90), (still(2), 5), (still(3), 100), (still(4), 5))
    chosen = judged(frames, BUDGET)
    for scene in find_scenes(frames):
        assert any(scene.first <= number <= scene.last for number in chosen)


def test_of_more_scenes_than_the_budget_allows_those_are_judged_that_are_unlike_the_rest() -> None:
    alike = [still(1), still(2)]
    takes = [(alike[number % 2], 10) for number in range(20)]
    takes[7] = (still(3), 10)
    frames = film(*takes)
    assert any(70 <= number < 80 for number in judged(frames, BUDGET))


def test_noise_has_no_cut_and_a_cut_out_of_noise_is_seen() -> None:
    frames = film((busy(1), 40))
    assert len(find_scenes(frames)) == 1
    grey = Fingerprint(bytes(PIXELS))
    assert len(find_scenes(film((busy(1), 40), (lambda _: grey, 40)))) >= 1


def test_two_still_pictures_that_differ_in_one_spot_are_two_scenes() -> None:
    pixels = bytearray(b"\x60" * PIXELS)
    pixels[500:504] = b"\xff" * 4
    other = Fingerprint(bytes(pixels))
    base = Fingerprint(b"\x60" * PIXELS)
    assert len(find_scenes(film((lambda _: base, 30), (lambda _: other, 30)))) == 2


def test_frames_that_last_unevenly_are_judged_by_time_and_not_by_number() -> None:
    frames = [TimedFrame(number / 100, 0.01, busy(1)(number)) for number in range(100)]
    frames += [TimedFrame(1.0 + number, 1.0, busy(2)(number)) for number in range(20)]
    chosen = judged(frames, BUDGET)
    assert sum(number >= 100 for number in chosen) >= BUDGET - 1
    assert longest_gap(frames, chosen) < 21 / (BUDGET - 1)


def test_scene_of_a_moment_is_judged_although_a_long_pan_could_use_up_the_budget() -> None:
    frames = film((drifting, 250), (still(7), 5), (drifting, 300))
    chosen = judged(frames, BUDGET)
    assert any(250 <= number < 255 for number in chosen)
    assert len(chosen) == BUDGET


def test_picture_under_heavy_grain_that_stands_for_its_share_is_judged_before_any_scene() -> None:
    """The grain changes every point of every frame; what it lies over stands still, and fades in without a cut."""

    def grained(number: int) -> Fingerprint:
        rng = random.Random(number)
        return Fingerprint(bytes(96 + 8 * (place // 192) + rng.randrange(-14, 15) for place in range(PIXELS)))

    flashes = [(still(number), 6) for number in range(12)]
    frames = film(*flashes[:6], (grained, 40), *flashes[6:])
    share = len(frames) / RATE / (BUDGET - 1)
    assert share <= 4.0
    assert any(36 <= number < 76 for number in judged(frames, BUDGET))


def held(*takes: tuple[Look, float, int]) -> list[TimedFrame]:
    """Return a video of takes that each last so many seconds, in so many frames."""
    frames: list[TimedFrame] = []
    time = 0.0
    for look, seconds, count in takes:
        for _ in range(count):
            frames.append(TimedFrame(time, seconds / count, look(len(frames))))
            time += seconds / count
    return frames


def shows(frames: list[TimedFrame], card: Look, budget: int = BUDGET) -> bool:
    """Whether the card is judged, and the budget kept with the first and the last frame."""
    chosen = judged(frames, budget)
    assert (chosen[0], chosen[-1]) == (0, len(frames) - 1)
    assert len(chosen) <= budget
    return any(frames[number].fingerprint == card(number) for number in chosen)


def cutting(number: int) -> Fingerprint:
    """Ever new pictures, of nearly a second each: more find_scenes than the budget has frames."""
    return still(100 + number // 8)(number)


@pytest.mark.parametrize("look", [drifting, cutting])
@pytest.mark.parametrize("before", first_quick(*range(2, 15, 3)))
def test_picture_that_is_one_held_frame_among_others_is_judged(look: Look, before: int) -> None:
    share = 20 / (BUDGET - 1)
    card = still(4711)
    after = 20 - share - before
    frames = held((look, before, before * 10), (card, share, 1), (look, after, round(after * 10)))
    assert shows(frames, card)


@pytest.mark.parametrize("look", [drifting, cutting])
@pytest.mark.parametrize("length", first_quick(2, 1, 6))
@pytest.mark.parametrize("seed", first_quick(0, 1, 2, 3))
def test_picture_in_pieces_that_have_its_share_together_is_judged(look: Look, length: int, seed: int) -> None:
    card = still(4711)
    takes = [(card, length)] * (60 // length) + [(look, 1)] * 238
    random.Random(seed).shuffle(takes)
    assert shows(film((look, 1), *takes, (look, 1)), card)


@pytest.mark.parametrize("look", [drifting, cutting])
@pytest.mark.parametrize("every", first_quick(3, 2, 4))
@pytest.mark.parametrize("begin", first_quick(31, 1, 55))
def test_picture_that_flickers_for_its_share_in_all_is_judged(look: Look, every: int, begin: int) -> None:
    card = still(4711)
    frames = film((look, 300))
    for number in range(begin, begin + 60 * every, every):
        frames[number] = TimedFrame(number / RATE, 1 / RATE, card(number))
    assert shows(frames, card)


@given(order=st.permutations([number for number in range(BUDGET - 1) for _ in range(8)]))
@settings(max_examples=40, deadline=None)
def test_as_many_pictures_as_can_have_their_share_are_all_judged_in_whatever_pieces(order: list[int]) -> None:
    frames = film(*((still(number), 1) for number in order))
    seen = {frames[number].fingerprint for number in judged(frames, BUDGET)}
    assert seen == {still(number)(0) for number in range(BUDGET - 1)}


@pytest.mark.parametrize("seed", first_quick(*range(4)))
def test_picture_under_grain_in_pieces_that_have_its_share_together_is_judged(seed: int) -> None:
    def grained(number: int) -> Fingerprint:
        rng = random.Random(number)
        return Fingerprint(bytes(96 + 8 * (place // 192) + rng.randrange(-14, 15) for place in range(PIXELS)))

    look: Look = grained
    takes: list[tuple[Look, int]] = [*[(look, 4)] * 15, *[(cutting, 8)] * 29]
    random.Random(seed).shuffle(takes)
    frames = film((cutting, 4), *takes, (cutting, 4))
    card = {grained(number) for number in range(len(frames))}
    assert any(frames[number].fingerprint in card for number in judged(frames, BUDGET))


@given(
    still_ones=st.integers(1, 9),
    order=st.randoms(use_true_random=False),
    clustered=st.booleans(),
    budget=st.integers(4, 12),
)
@settings(max_examples=60, deadline=None)
def test_time_is_covered_and_every_share_is_judged_however_still_and_moving_pictures_are_mixed(
    still_ones: int, order: random.Random, clustered: bool, budget: int
) -> None:
    """Every still picture has exactly its share; in front of what moves, or all mixed."""
    count = min(still_ones, budget - 2)
    share = 12
    moving = share * (budget - 1) - share * count
    pieces = [(still(number), 1) for number in range(count) for _ in range(share)]
    takes = [*pieces, *[(busy(77), 1)] * moving]
    if clustered:
        order.shuffle(pieces)
        takes = [*pieces, *takes[len(pieces) :]]
    else:
        order.shuffle(takes)
    frames = film(*takes)
    seen = {frames[number].fingerprint for number in judged(frames, budget)}
    assert seen >= {still(number)(0) for number in range(count)}


def test_pictures_that_take_turns_all_the_time_are_judged_far_from_one_another() -> None:
    """The middle of every one of them is the middle of the video: there alone, they would leave half of it unseen."""
    turns = film(*((still(number), 1) for _ in range(24) for number in range(10)), (busy(3), 24))
    seen = {turns[number].fingerprint for number in judged(turns, 12)}
    assert seen >= {still(number)(0) for number in range(10)}


def test_of_a_few_scenes_all_are_judged_and_the_rest_of_the_budget_covers_time_evenly() -> None:
    frames = film((drifting, 300), (still(1), 4), (drifting, 300))
    chosen = judged(frames, 12)
    assert any(300 <= number < 304 for number in chosen)
    assert longest_gap(frames, chosen) <= 60.4 / 9


@pytest.mark.parametrize(("takes", "many"), [(12, False), (24, False), (25, True), (60, True)])
def test_many_more_distinct_scenes_than_judged_frames_are_noticed(takes: int, many: bool) -> None:
    assert choose_frames(film(*((still(number), 10) for number in range(takes))), 12).many_scenes is many


@pytest.mark.parametrize("length", [1, 2, 5])
def test_distinct_scenes_are_counted_however_brief(length: int) -> None:
    assert choose_frames(film(*((still(number), length) for number in range(60))), 12).many_scenes


def test_scenes_that_return_count_once() -> None:
    frames = film(*((still(number % 4), 10) for number in range(100)))
    assert not choose_frames(frames, 12).many_scenes


@pytest.mark.parametrize("look", [still(1), drifting])
def test_one_long_take_is_not_many_scenes(look: Look) -> None:
    assert not choose_frames(film((look, 900)), 12).many_scenes


def fingerprint_of(picture: Image.Image) -> Fingerprint:
    """Return the fingerprint of a picture as a published frame."""
    frame: Any = VideoFrame.from_image(picture)  # type: ignore[no-untyped-call] # PyAV leaves it so
    return fingerprint(frame.reformat(format="yuv420p").planes)


def card() -> Image.Image:
    """Draw a forbidden picture: small light marks over a dark ground."""
    return draw_card({"Weapons": 99.0}, (640, 360))


@pytest.mark.parametrize("radius", [3, 6, 12, 30])
@pytest.mark.parametrize("returning", [False, True])
def test_blurred_first_frame_does_not_speak_for_the_picture(radius: int, returning: bool) -> None:
    sharp, blurred = fingerprint_of(card()), fingerprint_of(card().filter(ImageFilter.GaussianBlur(radius)))
    decoys = [(still(number), 6) for number in range(48)]
    piece: list[tuple[Look, int]] = [(lambda _: sharp, 3 if returning else 36)]
    takes = decoys[:24] + piece + decoys[24:]
    if returning:
        takes = [take for decoy in decoys[:12] for take in (decoy, *piece)] + decoys[12:]
    frames = film((lambda _: blurred, 5), *takes, (lambda _: blurred, 5))
    assert any(frames[number].fingerprint == sharp for number in judged(frames, 12))


def test_pattern_finer_than_a_fingerprint_is_told_from_its_average() -> None:
    """A card whose places have the same average as a plain picture, such as fine stripes, is another picture."""
    stripes = Image.new("L", (640, 360))
    stripes.putdata([255 * (x % 2) for _ in range(360) for x in range(640)])
    plain = Image.new("L", (640, 360), 128)
    prints = [fingerprint_of(picture.convert("RGB")) for picture in (stripes, plain)]
    assert largest_difference(*prints) > 40
