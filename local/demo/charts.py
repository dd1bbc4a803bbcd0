"""The charts of a dashboard as the report draws them: from values to shapes in a square of 100 by 100.

The page stretches the square to the chart's place; strokes and words keep their size.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from embedded_aws.metrics.insights import Table
from embedded_aws.metrics.widgets import Line

SQUARE: Final = 100.0
GAP: Final = 0.18  # between two columns, as a share of one
BRIDGED: Final = 3
"""Periods without a value that a line goes on over: so long may the looks at the queues be late."""
MOST_STEPS: Final = 4  # of the axis of values
STEPS_OF_TIME: Final = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600)  # seconds
MOST_TIMES: Final = 8
NOTHING: Final = "–"  # noqa: RUF001 - a dash as people set it, where there is no value


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A chart of the dashboard with its place in CloudWatch's grid of 24 columns."""

    title: str
    x: int
    y: int
    width: int
    lines: tuple[Line, ...]


@dataclass(frozen=True, kw_only=True)
class Listing:
    """A table of the dashboard, which a query over the functions' logs has filled."""

    title: str
    table: Table


@dataclass(frozen=True, kw_only=True)
class Board:
    """The charts and tables of a run's dashboard: a point of a chart is of `period` seconds, from the first upload on.

    `is_deployed` where the stack has a dashboard.
    """

    charts: tuple[Chart, ...]
    listings: tuple[Listing, ...]
    period: int
    periods: int
    is_deployed: bool


@dataclass(frozen=True, kw_only=True)
class Column:
    """A rectangle of the square."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """One line of a chart with its shapes: a path, or columns. `number` chooses a colour where it has none."""

    number: int
    label: str
    color: str | None
    whole: str
    path: str = ""
    dots: str = ""
    columns: tuple[Column, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Tick:
    """A word beside an axis; `at` in percent from the left, or from the top."""

    at: float
    label: str


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A chart as the template shows it; `row` counts from 1, `quiet` says so where nothing is above zero."""

    chart: Chart
    row: int
    drawn: tuple[Drawn, ...]
    values: tuple[Tick, ...]
    times: tuple[Tick, ...]
    quiet: str | None


def drawings(board: Board) -> list[Drawing]:
    """Return the board's charts in its order."""
    times = tuple(_times(board.period * board.periods))
    rows = sorted({chart.y for chart in board.charts})
    return [_drawing(chart, 1 + rows.index(chart.y), times) for chart in board.charts]


def _drawing(chart: Chart, row: int, times: tuple[Tick, ...]) -> Drawing:
    stacked = all(line.adds_up for line in chart.lines)
    columns = list(zip(*(line.values for line in chart.lines), strict=True))
    heights = [
        sum(filter(None, column)) if stacked else max(filter(None, column), default=0) for column in columns
    ]
    top, step = _axis(max(heights, default=0))
    drawn, below = [], [0.0] * len(columns)
    for number, line in enumerate(chart.lines):
        path, dots = ("", "") if stacked else _path(line.values, top)
        shapes = tuple(_columns(line.values, below, top)) if stacked else ()
        drawn.append(
            Drawn(
                number=number,
                label=line.label,
                color=line.color,
                whole=amount(line.whole),
                path=path,
                dots=dots,
                columns=shapes,
            )
        )
    return Drawing(
        chart=chart,
        row=row,
        drawn=tuple(drawn),
        values=tuple(
            Tick(at=SQUARE - SQUARE * each * step / top, label=amount(each * step))
            for each in range(round(top / step) + 1)
        ),
        times=times,
        quiet=_quiet(chart, max(heights, default=0)),
    )


def _quiet(chart: Chart, highest: float) -> str | None:
    if highest > 0:
        return None
    known = any(value is not None for line in chart.lines for value in line.values)
    return "zero, all the time" if known else "no data"


def _columns(values: Sequence[float | None], below: list[float], top: float) -> Iterator[Column]:
    """Yield a line's columns on top of those below, and raise `below` by them."""
    width = SQUARE / max(len(values), 1)
    for number, value in enumerate(values):
        if value:
            base, below[number] = below[number], below[number] + value
            yield Column(
                x=(number + GAP / 2) * width,
                y=SQUARE - SQUARE * below[number] / top,
                width=(1 - GAP) * width,
                height=SQUARE * (below[number] - base) / top,
            )


def _path(values: Sequence[float | None], top: float) -> tuple[str, str]:
    """Return SVG paths of a line and of its dots, through the middle of the periods that have values.

    The line breaks where more than `BRIDGED` values in a row are missing.
    """
    width = SQUARE / max(len(values), 1)
    known = [
        (number, f"{(number + 0.5) * width:.2f} {SQUARE - SQUARE * value / top:.2f}")
        for number, value in enumerate(values)
        if value is not None
    ]
    line, before = "", -1
    for number, point in known:
        is_joined = bool(line) and number - before <= BRIDGED + 1
        line += f" L{point}" if is_joined else f" M{point}"
        before = number
    # A dot is a line without length, which has round ends.
    return line.strip(), " ".join(f"M{point} l0 0" for _, point in known)


def _axis(highest: float) -> tuple[float, float]:
    """Return the top of an axis from zero and its step: 1, 2 or 5 times a power of ten."""
    if highest <= 0:
        return 1.0, 1.0
    rough = highest / MOST_STEPS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    return step * math.ceil(highest / step - 1e-9), step


def _times(seconds: int) -> Iterator[Tick]:
    step = next((each for each in STEPS_OF_TIME if seconds / each <= MOST_TIMES), STEPS_OF_TIME[-1])
    for at in range(0, seconds + 1, step):
        minutes, rest = divmod(at, 60)
        label = f"{at} s" if seconds < 120 else f"{minutes}:{rest:02}"
        yield Tick(at=SQUARE * at / seconds, label=label)


def amount(value: float | None) -> str:
    """Return a value as people write it: `0.056`, `12`, `1,266`; a dash where there is none."""
    if value is None:
        return NOTHING
    if value == round(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def spoken(drawing: Drawing) -> str:
    """Return what a chart says, for those who do not see it."""
    said: Iterable[str] = (f"{each.label} {each.whole}" for each in drawing.drawn)
    return f"{drawing.chart.title}: {', '.join(said)}"
