"""`make sampling`: does a moderation card in a video block it? Through the deployed functions.

What docs/operator/moderation-policy.md calls certain must always block: a still picture for its share of the time, in
one piece or in several, a moving one for the longest gap. What it does not is measured as well: a card for one second
between hard cuts in a minute, among up to 8 further cuts; a moving one in pieces; a still one for half of its share.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.video import decoys
from tests.video.decoys import Hidden
from tests.video.footage import Footage, between_hard_cuts, for_a_share
from tests.video.stack import VideoStack

MODERATION_FRAMES = 12
LEAST_BETWEEN_CUTS = 0.95
CERTAIN = 1.0
KINDS: Mapping[str, tuple[Callable[[int], Footage | Hidden], float]] = {
    "for_a_share": (lambda seed: for_a_share(seed, MODERATION_FRAMES), CERTAIN),
    "still_in_pieces": (lambda seed: decoys.still_in_pieces(seed, MODERATION_FRAMES), CERTAIN),
    "moving_in_one_piece": (lambda seed: decoys.moving_in_one_piece(seed, MODERATION_FRAMES), CERTAIN),
    "between_hard_cuts": (between_hard_cuts, LEAST_BETWEEN_CUTS),
    "moving_in_pieces": (lambda seed: decoys.moving_in_pieces(seed, MODERATION_FRAMES), 0.0),
    "still_for_half_a_share": (lambda seed: decoys.still_for_half_a_share(seed, MODERATION_FRAMES), 0.0),
}
"""How each kind is drawn from a seed, and the least part of it that must be blocked."""
IN_FLIGHT = 4  # videos uploaded and not finished; the next ones are drawn meanwhile
PATIENCE = 120.0


@dataclass(frozen=True)
class Result:
    """The result of one video, with the times in seconds of the judged frames."""

    name: str
    status: str
    card: tuple[float, float]
    judged: int
    times: tuple[float, ...]

    @property
    def blocked(self) -> bool:
        """Return whether the card was found."""
        return self.status == "BLOCKED"


def run(stack: VideoStack, footages: Sequence[Footage | Hidden], scratch: Path) -> list[Result]:
    """Process all footage in the stack; return the results in the same order."""
    results: list[Result] = []
    waiting: list[Footage | Hidden] = []
    path = scratch / "video.mp4"
    for footage in footages:
        footage.shoot(path)
        stack.put(f"{footage.name}.mp4", path.read_bytes())
        waiting.append(footage)
        if len(waiting) >= IN_FLIGHT:
            results.append(_result(stack, waiting.pop(0)))
    return results + [_result(stack, footage) for footage in waiting]


def _result(stack: VideoStack, footage: Footage | Hidden) -> Result:
    item = stack.outcome_of(f"{footage.name}.mp4", PATIENCE)
    moderation: dict[str, Any] = item.get("moderation") or {}
    frames = moderation.get("frames") or ()
    times = tuple(float(frame["time"]) for frame in frames)
    return Result(
        footage.name, str(item["status"]), footage.card_from_to, int(moderation.get("judged", 0)), times
    )


def share_of(results: Sequence[Result]) -> float:
    """Return the share of blocked videos."""
    return sum(result.blocked for result in results) / max(1, len(results))


def main() -> int:
    """Run with the options of the command line; exit code 1 if a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=int, default=100, help="of each kind")
    parser.add_argument("--kind", choices=["", *KINDS], default="", help="only this kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, default=Path("build/sampling.json"))
    arguments = parser.parse_args()
    seeds = range(arguments.seed, arguments.seed + arguments.videos)
    kinds = {kind: made for kind, made in KINDS.items() if arguments.kind in ("", kind)}
    report: dict[str, Any] = {"seed": arguments.seed, "moderation": "stand-in"}
    missed: list[Result] = []
    fine = True
    with tempfile.TemporaryDirectory() as scratch, VideoStack() as stack:
        for kind, (make, least) in kinds.items():
            began = time.monotonic()
            results = run(stack, [make(seed) for seed in seeds], Path(scratch))
            missed += [result for result in results if not result.blocked]
            share = share_of(results)
            fine = fine and share >= least
            report[kind] = {
                "videos": len(results),
                "blocked": round(share, 4),
                "least": least,
                "certain": least == CERTAIN,
                "judged_at_most": max((result.judged for result in results), default=0),
                "seconds": round(time.monotonic() - began, 1),
            }
    report["missed"] = [result.name for result in missed]
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    for result in missed:
        times = ", ".join(f"{time:.2f}" for time in result.times)
        print(
            f"{result.name} is {result.status}: card {result.card[0]:.2f}-{result.card[1]:.2f}, judged {times}"
        )
    print(json.dumps(report))
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
