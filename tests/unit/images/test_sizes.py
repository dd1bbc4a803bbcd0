import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from media_pipeline.errors import SettingsError
from media_pipeline.images.resize_plan import LEAST_STEP, plan
from media_pipeline.images.sizes import MAX_EDGE, Size

SIDES = st.integers(1, 20_000)
EDGES = st.integers(1, MAX_EDGE)


def inside(edge: int) -> Size:
    return Size.parse("size", edge)


def cover(width: int, height: int) -> Size:
    return Size.parse("card", {"width": width, "height": height, "fit": "cover"})


@pytest.mark.parametrize(
    ("original", "edge", "expected"),
    [
        ((4032, 3024), 2048, (2048, 1536)),
        ((3024, 4032), 1024, (768, 1024)),
        ((4608, 3072), 2048, (2048, 1365)),
        ((800, 600), 2048, (800, 600)),
        ((40, 3000), 2048, (27, 2048)),
        ((40, 3000), 150, (2, 150)),
        ((3000, 1), 150, (150, 1)),
        ((4032, 3024), 150, (150, 112)),  # 112.5: a tie goes to the even pixel, as Python's round() has it
    ],
)
def test_long_edge_is_exact_and_short_edge_rounded(
    original: tuple[int, int], edge: int, expected: tuple[int, int]
) -> None:
    target = inside(edge).target(*original)
    assert (target.width, target.height) == expected
    assert not target.cropped


@pytest.mark.parametrize(
    ("original", "expected", "frame"),
    [
        ((4000, 3000), (400, 300), (400, 300)),
        ((3000, 4000), (400, 300), (400, 534)),
        ((8000, 1000), (400, 300), (2400, 300)),
        ((200, 200), (200, 150), (200, 200)),  # never enlarged: the box's shape from the pixels there are
        ((1000, 200), (267, 200), (1000, 200)),
    ],
)
def test_cover_fills_the_box_with_a_centred_part(
    original: tuple[int, int], expected: tuple[int, int], frame: tuple[int, int]
) -> None:
    target = cover(400, 300).target(*original)
    assert (target.width, target.height) == expected
    assert target.frame == frame
    left, top, right, bottom = target.window(*frame)
    assert abs(left - (frame[0] - right)) <= 1
    assert abs(top - (frame[1] - bottom)) <= 1


@given(SIDES, SIDES, EDGES, EDGES)
def test_nothing_is_ever_enlarged_and_the_window_lies_in_the_frame(w: int, h: int, a: int, b: int) -> None:
    for size in (inside(a), cover(a, b)):
        target = size.target(w, h)
        assert 1 <= target.width <= target.frame[0] <= w
        assert 1 <= target.height <= target.frame[1] <= h
        left, top, right, bottom = target.window(*target.frame)
        assert left >= 0 <= top
        assert right <= target.frame[0] + 1e-9
        assert bottom <= target.frame[1] + 1e-9


@given(SIDES, SIDES, st.lists(EDGES, min_size=1, max_size=6))
def test_every_picture_comes_from_one_that_is_large_enough(w: int, h: int, edges: list[int]) -> None:
    targets = [inside(edge).target(w, h) for edge in edges]
    steps = plan(targets)
    made = set(steps.roots)
    assert steps.largest == max(target.frame for target in targets)
    assert set(steps.parents) == set(targets)
    for target, parent in steps.parents.items():
        assert parent in made
        assert parent == target.frame or max(parent) >= LEAST_STEP * max(target.frame)
        made.add(target.frame)


def test_usual_sizes_cascade_from_one_decoded_picture() -> None:
    steps = plan(inside(edge).target(4032, 3024) for edge in (150, 2048, 512, 1024))
    assert steps.roots == ((2048, 1536),)
    assert [parent[0] for parent in steps.parents.values()] == [2048, 2048, 1024, 512]


def test_sizes_close_together_are_both_scaled_from_the_original() -> None:
    steps = plan(inside(edge).target(4000, 3000) for edge in (2048, 1920))
    assert [root[0] for root in steps.roots] == [2048, 1920]


@pytest.mark.parametrize(
    "value",
    [0, -5, 2.5, "big", True, None, MAX_EDGE + 1, {"width": 400}, {"width": 4, "height": 3, "fit": "fill"}],
)
def test_wrong_size_is_refused_with_its_name(value: object) -> None:
    with pytest.raises(SettingsError, match="thumb"):
        Size.parse("thumb", value)


@given(original=st.tuples(SIDES, SIDES), box=st.tuples(EDGES, EDGES), source=st.tuples(SIDES, SIDES))
@example(original=(215, 3), box=(104, 1), source=(215, 3))
def test_window_of_a_crop_lies_within_the_picture_that_it_is_cut_from(
    original: tuple[int, int], box: tuple[int, int], source: tuple[int, int]
) -> None:
    left, top, right, bottom = cover(*box).target(*original).window(*source)
    assert 0 <= left < right <= source[0]
    assert 0 <= top < bottom <= source[1]
