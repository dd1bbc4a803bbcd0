"""Which pictures of many are judged."""

from itertools import pairwise

import pytest
from PIL import Image

from media_pipeline.images.sampling import most_different, sketch

BUDGET = 8
GREY = Image.new("RGB", (64, 48), (90, 90, 90))


def test_first_and_last_are_always_chosen_and_others_spread_where_all_look_alike() -> None:
    alike = sketch(GREY)
    for count in range(1, 120):
        chosen = sorted(most_different([alike] * count, BUDGET))
        assert len(chosen) == min(count, BUDGET)
        assert (chosen[0], chosen[-1]) == (0, count - 1)
        gaps = [later - earlier for earlier, later in pairwise(chosen)]
        assert not gaps or max(gaps) <= 2 * min(gaps) + 1


def test_as_many_odd_ones_as_the_budget_holds_are_all_chosen() -> None:
    odd = {
        7: (250, 0, 0),
        8: (0, 250, 0),
        50: (0, 0, 250),
        51: (250, 250, 0),
        98: (0, 250, 250),
        60: (0, 0, 0),
    }
    pictures = [sketch(Image.new("RGB", (64, 48), odd.get(number, (90, 90, 90)))) for number in range(100)]
    assert most_different(pictures, BUDGET) == {0, 99, *odd}


@pytest.mark.parametrize("mode", ["RGBA", "RGBa", "L", "RGB"])
def test_any_kind_of_picture_is_sketched_alike(mode: str) -> None:
    assert sketch(GREY.convert("RGBA").convert(mode)).getpixel((3, 3)) == (90, 90, 90, 255)


def test_what_shows_only_through_transparency_is_a_difference() -> None:
    clear = Image.new("RGBA", (64, 48), (0, 0, 0, 0))
    inked = clear.copy()
    inked.paste((0, 0, 0, 255), (10, 10, 30, 30))
    pictures = [sketch(clear)] * 20
    pictures[13] = sketch(inked)
    assert 13 in most_different(pictures, BUDGET)
