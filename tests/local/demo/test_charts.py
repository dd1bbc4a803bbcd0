"""The charts of the report: what is drawn where, and what they say."""

import re
from typing import Any

import pytest

from embedded_aws.metrics.widgets import Line
from local.demo.charts import Board, Chart, amount, drawings, spoken


def line(label: str, *values: float | None, adds_up: bool = True, whole: float | None = None) -> Line:
    return Line(label=label, adds_up=adds_up, color=None, values=values, whole=whole)


def board(*charts: tuple[Line, ...], period: int = 1) -> Board:
    return Board(
        charts=tuple(
            Chart(title=f"chart {number}", x=0, y=6 * number, width=12, lines=lines)
            for number, lines in enumerate(charts)
        ),
        listings=(),
        period=period,
        periods=max(len(each.values) for lines in charts for each in lines),
        is_deployed=True,
    )


def test_sums_are_columns_on_top_of_one_another() -> None:
    (drawing,) = drawings(board((line("one", 3, None, 1), line("two", 1, 2, None))))
    one, two = drawing.drawn
    assert [tick.label for tick in drawing.values] == ["0", "1", "2", "3", "4"]
    assert [(each.y, each.height) for each in one.columns] == [(25, 75), (75, 25)]
    assert [(each.y, each.height) for each in two.columns] == [(0, 25), (50, 50)]
    assert one.columns[0].x == two.columns[0].x < two.columns[1].x < one.columns[1].x
    assert all(each.x >= 0 and each.x + each.width <= 100 for each in (*one.columns, *two.columns))
    assert one.path == two.path == ""


def test_other_values_are_lines_that_break_where_nothing_was_measured_for_long() -> None:
    values = (10, 20, None, None, None, 40, None, None, None, None)
    (drawing,) = drawings(board((line("p95", *values, adds_up=False), line("sum", *[1] * 9, 1))))
    path, total = drawing.drawn
    assert path.path == "M5.00 75.00 L15.00 50.00 L55.00 0.00"
    assert re.findall(r"M(\S+) (\S+) l0 0", path.dots) == [
        ("5.00", "75.00"),
        ("15.00", "50.00"),
        ("55.00", "0.00"),
    ]
    assert not path.columns
    assert total.path.count("L") == 9
    (broken,) = drawings(board((line("p95", 10, None, None, None, None, 20, 30, adds_up=False),)))
    assert broken.drawn[0].path.count("M") == 2


@pytest.mark.parametrize(
    ("highest", "labels"),
    [
        (0.0024, ["0", "0.001", "0.002", "0.003"]),
        (7.3, ["0", "2", "4", "6", "8"]),
        (40.0, ["0", "10", "20", "30", "40"]),
        (4_299.0, ["0", "2,000", "4,000", "6,000"]),
    ],
)
def test_the_axis_has_round_numbers_and_contains_the_highest_value(highest: float, labels: list[str]) -> None:
    (drawing,) = drawings(board((line("a", highest),)))
    assert [tick.label for tick in drawing.values] == labels
    assert [tick.at for tick in drawing.values][-1] == pytest.approx(0)


@pytest.mark.parametrize(("values", "says"), [((0.0, 0.0), "zero, all the time"), ((None, None), "no data")])
def test_an_empty_chart_says_why(values: Any, says: str) -> None:
    (drawing,) = drawings(board((line("a", *values),)))
    assert drawing.quiet == says


def test_charts_keep_their_rows_without_the_gaps_between_them() -> None:
    assert [
        drawing.row for drawing in drawings(board((line("a", 1),), (line("b", 1),), (line("c", 1),)))
    ] == [1, 2, 3]


def test_times_are_round_and_minutes_where_a_run_is_long() -> None:
    (short,), (long,) = (drawings(board((line("a", *[1] * 18),), period=period)) for period in (1, 30))
    assert [tick.label for tick in short.times] == ["0 s", "5 s", "10 s", "15 s"]
    assert [tick.label for tick in long.times] == ["0:00", "2:00", "4:00", "6:00", "8:00"]


def test_a_chart_is_spoken_with_its_numbers() -> None:
    (drawing,) = drawings(board((line("one", 3, whole=3), line("two", None))))
    assert spoken(drawing) == f"chart 0: one 3, two {amount(None)}"
