"""`report.json`, whose shape other tools rely on, and `report.html`, which people look at.

File names, records and pictures may come from strangers: the template escapes everything, the page runs no script,
and its content security policy lets it load nothing but the pictures beside it.
"""

import json
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from local.demo.charts import amount, drawings, spoken
from local.demo.outcomes import REVIEW, Outcome, Rendition, Run
from local.demo.players import clock, moments_of, pictures, player_of

STAND_IN = "stand-in"  # no Rekognition here: whatever shows a verdict says so
TOTAL = "total"

# The order of the filter, with a sentence for those who meet a status for the first time.
STATUSES: Mapping[str, str] = {
    "PUBLISHED": "Renditions are in the renditions bucket.",
    "REVIEW": "A person must look: the original waits in quarantine, nothing was published. In a stack that is up,"
    " python -m operations review opens the console in which to approve or reject it.",
    "BLOCKED": "The policy forbids it: the original is in quarantine, nothing was published.",
    "REJECTED": "It can never be processed; nothing was published.",
    "FAILED": "The system could not do its part; it can be driven again.",
    "SUPERSEDED": "A newer version of the key existed when its turn came.",
    "DELETED": "The object was deleted.",
    "PROCESSING": "It was still being processed when the demo stopped waiting.",
    "MISSING": "There is no record of it.",
}
# On the page the largest rendition and three smaller ones make a row. Width and height in CSS pixels.
LARGEST_BOX, SMALL_BOX, ROW = (280, 250), (138, 125), 730
PANORAMA = 2.5  # times as wide as high
LOADED_AT_ONCE = 60  # objects; a page with more loads its pictures as they come into view
WAITING_SHOWN = 4  # objects that wait for a person; of more their number
DECIDED: Mapping[str, str] = {
    "approve": "Approved by a person",
    "reject": "Rejected by a person",
    "withdraw": "Taken down by a person",
    "restore": "Restored by a person",
}
VEILED = ("REVIEW", "BLOCKED")  # shown only to whoever asks to see them


def as_json(run: Run) -> dict[str, Any]:
    """Return the document of report.json: durations in seconds and milliseconds, sizes in pixels and bytes."""
    return {
        "stack": run.stack,
        "moderation": STAND_IN,
        "seconds": {
            "deploy": round(run.seconds.deploy, 3),
            "process": round(run.seconds.process, 3),
            "destroy": round(run.seconds.destroy, 3),
            "total": round(run.seconds.total, 3),
        },
        "resources": run.resources,
        "leftovers": list(run.leftovers),
        "objects": [_object(outcome) for outcome in run.outcomes],
    }


def costs(run: Run) -> str | None:
    """Return what AWS would bill for the run, in a sentence; None where it is not known."""
    found = run.cost
    if not found or not found["objects"]:
        return None
    services = sorted(found["by_service"].items(), key=lambda pair: -pair[1])
    dearest = ", ".join(f"{name} {dollars:.4f}" for name, dollars in services[:3] if dollars)
    return (
        f"On AWS this would cost {found['total']:.4f} USD at the list prices of {found['prices']} ({dearest}):"
        f" {found['per_1000']:.2f} USD per 1,000 objects like these."
    )


def _object(outcome: Outcome) -> dict[str, Any]:
    return {
        "file": outcome.upload.file,
        "key": outcome.upload.key,
        "status": outcome.status,
        "reason": outcome.reason,
        "detail": outcome.detail,
        "content_type": outcome.content_type,
        "width": outcome.width,
        "height": outcome.height,
        "renditions": [
            {
                "name": rendition.name,
                "format": rendition.format,
                "width": rendition.width,
                "height": rendition.height,
                "bytes": rendition.bytes,
                "path": rendition.path,
            }
            for rendition in outcome.renditions
        ],
        "moderation": {
            "verdict": outcome.verdict,
            "labels": [
                {"name": label.name, "parent": label.parent, "confidence": label.confidence}
                for label in outcome.labels
            ],
        },
        "milliseconds": dict(outcome.milliseconds),
    }


def write(run: Run, out: Path) -> None:
    """Write both reports into `out`; file names that are not valid Unicode show a replacement character."""
    document = json.dumps(as_json(run), ensure_ascii=False, indent=2) + "\n"
    (out / "report.json").write_bytes(document.encode("utf-8", errors="replace"))
    (out / "report.html").write_bytes(as_html(run).encode("utf-8", errors="replace"))


def as_html(run: Run) -> str:
    """Return the page: one file, without script, that shows pictures by paths relative to itself."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        size=human_size, duration=human_duration, url=_url, clock=clock, after=after, shell=shlex.quote
    )
    shown = {_status(outcome) for outcome in run.outcomes}
    statuses = [status for status in STATUSES if status in shown] + sorted(shown - STATUSES.keys())
    return environment.get_template("report.html").render(
        run=run,
        outcomes=sorted(run.outcomes, key=lambda outcome: statuses.index(_status(outcome))),
        status_of=_status,
        statuses=statuses,
        loading="eager" if len(run.outcomes) <= LOADED_AT_ONCE else "lazy",
        meaning=STATUSES,
        count={status: sum(_status(each) == status for each in run.outcomes) for status in shown},
        veiled=VEILED,
        waiting=[outcome for outcome in run.outcomes if outcome.status == REVIEW],
        waiting_shown=WAITING_SHOWN,
        decided=DECIDED,
        by_file={outcome.upload.file: outcome for outcome in run.outcomes},
        sizes_of=_by_size,
        player_of=player_of,
        moments_of=moments_of,
        steps_of=_steps,
        step_numbers=_step_numbers(run.outcomes),
        total=TOTAL,
        through_the_api=sum(outcome.upload.given_key is not None for outcome in run.outcomes),
        bytes_in=sum(outcome.upload.bytes for outcome in run.outcomes),
        bytes_out=sum(rendition.bytes for outcome in run.outcomes for rendition in outcome.renditions),
        rendition_count=sum(len(outcome.renditions) for outcome in run.outcomes),
        moderation=STAND_IN,
        costs=costs(run),
        drawings=drawings(run.board) if run.board else [],
        spoken=spoken,
        amount=amount,
    )


def human_size(count: int) -> str:
    """Return bytes as people write them: `812 B`, `43 KB`, `1.2 MB` (powers of 1000, as file managers do)."""
    if count < 1000:
        return f"{count} B"
    if count < 999_500:
        return f"{count / 1000:.0f} KB"
    return f"{count / 1_000_000:.1f} MB"


def human_duration(milliseconds: float) -> str:
    """Return milliseconds as people write them: `0.4 ms`, `38 ms`, `1.25 s`."""
    if milliseconds < 10:
        return f"{milliseconds:.1f} ms"
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.2f} s"


def after(seconds: float | None, what: str) -> str:
    """Return when something was done, for people: `gone after 0.6 s`, or that it was not."""
    return f"not {what} in time" if seconds is None else f"{what} after {seconds:.1f} s"


def _url(path: str) -> str:
    """Return a path relative to the page as a URL: whatever a file's name is, it stays a relative path."""
    return "./" + quote(path, safe="/", errors="replace")


def _status(outcome: Outcome) -> str:
    return outcome.status or "MISSING"


@dataclass(frozen=True)
class _Size:
    """One size of a picture in all its formats; `shown` is the one that the page displays."""

    name: str
    shown: Rendition
    formats: tuple[Rendition, ...]
    displayed: int  # width on the page, in CSS pixels


def _by_size(renditions: Iterable[Rendition]) -> list[_Size]:
    """Group the pictures by size, the largest first; beside a player they are all small."""
    renditions = list(renditions)
    posters = pictures(renditions)
    ordered = sorted(posters, key=lambda each: (-each.width * each.height, each.name))
    groups = [(name, tuple(group)) for name, group in groupby(ordered, key=lambda each: each.name)]
    largest = LARGEST_BOX if len(posters) == len(renditions) else SMALL_BOX
    boxes = [largest] + [SMALL_BOX] * len(groups)
    return [
        _Size(name, group[0], group, _fitted(group[0], box))
        for (name, group), box in zip(groups, boxes, strict=False)
    ]


def _fitted(picture: Rendition, box: tuple[int, int]) -> int:
    """Return the width at which a picture fits into a box of the page; panoramas may take a row of their own."""
    width, height = picture.width, picture.height
    wide = ROW if width > PANORAMA * height and box == LARGEST_BOX else box[0]
    return max(1, min(width, wide, round(width * box[1] / height)))


@dataclass(frozen=True)
class _Step:
    """One step's part of the whole time, in percent of it."""

    name: str
    milliseconds: float
    percent: float


def _steps(outcome: Outcome) -> list[_Step]:
    named = {name: value for name, value in outcome.milliseconds.items() if name != TOTAL}
    whole = max(sum(named.values()), outcome.milliseconds.get(TOTAL, 0)) or 1
    return [_Step(name, value, 100 * value / whole) for name, value in named.items()]


def _step_numbers(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """Return a number for each step's name, so that a step has one colour on the whole page."""
    names = dict.fromkeys(name for outcome in outcomes for name in outcome.milliseconds if name != TOTAL)
    return {name: number for number, name in enumerate(names)}
