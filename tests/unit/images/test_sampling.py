"""Which frames of a film are judged: what `sampling` guarantees, on pictures that are only numbers."""

import random
from collections.abc import Iterator, Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media_pipeline.images.sampling import choose

BUDGET = 8


class Pictures:
    """Frames that show numbered pictures; grain makes frames of one picture alike, but not the same."""

    def __init__(self, shown: Sequence[float], *, grain: bool = False) -> None:
        self.shown = shown
        self._grain = grain

    def same(self, number: int, others: Sequence[int]) -> Iterator[int]:
        return (
            other
            for other in others
            if other == number or (not self._grain and self.shown[other] == self.shown[number])
        )

    def alike(self, number: int, others: Sequence[int]) -> Iterator[int]:
        return (other for other in others if self.shown[other] == self.shown[number])

    def difference(self, one: int, other: int) -> float:
        return abs(self.shown[one] - self.shown[other])


def judged(
    shown: Sequence[float], seconds: Sequence[float], budget: int = BUDGET, *, grain: bool = False
) -> tuple[int, ...]:
    pictures = Pictures(shown, grain=grain)
    chosen = choose(seconds, budget, same=pictures.same, alike=pictures.alike, difference=pictures.difference)
    assert len(set(chosen)) == len(chosen) == min(budget, len(seconds))
    assert (chosen[0], chosen[-1]) == (0, len(seconds) - 1)
    return chosen


@pytest.mark.parametrize("budget", [2, 3, 8])
def test_first_and_last_are_judged_and_others_spread_where_all_look_alike(budget: int) -> None:
    for count in range(2, 120):
        chosen = judged([1] * count, [0.1] * count, budget)
        gaps = [later - earlier for earlier, later in pairwise(chosen)]
        assert max(gaps) <= 2 * min(gaps) + 1


@given(
    frames=st.lists(st.tuples(st.integers(0, 12), st.integers(1, 5000)), min_size=10, max_size=80),
    budget=st.integers(2, 12),
    grain=st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_every_picture_that_is_shown_for_its_share_of_the_time_is_judged_in_whatever_pieces(
    frames: list[tuple[int, int]], budget: int, grain: bool
) -> None:
    shown, seconds = zip(*frames, strict=True)
    if budget > len(frames):
        return
    seen = {shown[number] for number in judged(shown, seconds, budget, grain=grain)}
    for picture in set(shown):
        in_all = sum(length for other, length in frames if other == picture)
        assert in_all < sum(seconds) / (budget - 1) or picture in seen


def test_one_long_picture_among_many_brief_ones_is_judged() -> None:
    assert 12 in judged(range(0, 1400, 100), [0.02] * 12 + [60.0, 0.02])


@pytest.mark.parametrize("pieces", [2, 7, 30])
def test_picture_that_returns_in_pieces_is_judged_by_all_its_time(pieces: int) -> None:
    rng = random.Random(pieces)
    shown = [0, *range(1, 101), *[1000] * pieces, 101]
    seconds = [1.0] * 102 + [17.0 / pieces] * pieces
    body = list(zip(shown[1:-1], seconds[1 : len(shown) - 1], strict=True))
    body = [(picture, 17.0 / pieces if picture == 1000 else 1.0) for picture, _ in body]
    rng.shuffle(body)
    frames = [(0, 1.0), *body, (101, 1.0)]
    shown, lengths = [picture for picture, _ in frames], [length for _, length in frames]
    assert sum(lengths) / (BUDGET - 1) <= 17.0
    assert 1000 in {shown[number] for number in judged(shown, lengths)}


def test_first_frame_that_is_only_alike_does_not_stand_for_the_picture_that_follows() -> None:
    """Such as a blurred version in front of frames that differ by their grain."""
    shown = [7] * 30 + [1, 2, 3, 4]
    assert len([number for number in judged(shown, [0.1] * 34, grain=True) if 0 < number < 30]) >= 1


@given(
    durations=st.lists(st.integers(1, 300), min_size=20, max_size=120),
    budget=st.integers(4, 24),
)
@settings(max_examples=200, deadline=None)
def test_between_judged_frames_of_what_moves_less_than_the_gap_passes(
    durations: list[int], budget: int
) -> None:
    if budget >= len(durations):
        return
    chosen = judged(range(len(durations)), durations, budget)
    longest = sum(durations) / (budget / 2 - 1)
    assert all(sum(durations[first + 1 : last]) < longest for first, last in pairwise(chosen))


def test_moving_picture_is_judged_although_many_others_are_shown_longer() -> None:
    moving = 480
    shown = [*range(0, 2400, 100), *range(5000, 5000 + moving), *range(10_000, 12_400, 100)]
    seconds = [0.75] * 24 + [0.05] * moving + [0.75] * 24
    assert any(24 <= number < 24 + moving for number in judged(shown, seconds))


def test_longest_shown_pictures_are_judged_first() -> None:
    seconds = [1.0] * 40
    for number, length in ((5, 1.3), (17, 1.2), (30, 1.4), (31, 1.5)):
        seconds[number] = length
    assert {5, 17, 30, 31} <= set(judged(range(0, 4000, 100), seconds))


def test_as_many_odd_ones_as_the_budget_holds_are_all_chosen() -> None:
    odd = {7: 250, 8: 500, 50: 700, 51: 300, 98: 900, 60: 2}
    assert set(judged([odd.get(number, 90) for number in range(100)], [0.1] * 100)) == {0, 99, *odd}


def test_of_pictures_shown_equally_long_those_that_differ_most_are_judged() -> None:
    shown = [number / 100 for number in range(60)]
    shown[33] = 50
    assert 33 in judged(shown, [0.1] * 60)


def test_budget_is_spent_on_time_even_where_there_are_more_pictures_than_are_told_apart() -> None:
    shown = [*range(0, 60_000, 100)]
    seconds = [0.1] * 600
    seconds[555] = 0.5
    assert 555 in judged(shown, seconds)
