"""Which picture is scaled from which: each from the next larger one that is larger enough."""

from collections.abc import Iterable
from typing import NamedTuple

from media_pipeline.images.sizes import Target

LEAST_STEP = 1.5
"""A picture is made from another one only if that is this many times larger. Nearer than that, the second
filtering would show (SSIM under 0.99 against one filtering); then both come from the decoded original."""

Frame = tuple[int, int]


class Plan(NamedTuple):
    """The steps from a decoded original to all pictures; frames are whole pictures, before any crop."""

    roots: tuple[Frame, ...]
    """Frames that are scaled from the decoded original, the largest first."""
    parents: dict[Target, Frame]
    """Every distinct rendition -> the frame it is made from, parents before children."""

    @property
    def largest(self) -> Frame:
        """The frame that decides at which scale the original is decoded, and that is judged."""
        return self.roots[0]


def plan(targets: Iterable[Target]) -> Plan:
    """Order the pictures so that each is made once, and from as few pixels as its quality allows."""
    distinct = sorted(
        set(targets), key=lambda target: (*target.frame, target.width, target.height), reverse=True
    )
    largest = max(target.frame for target in distinct)
    roots, frames, parents = [largest], [largest], {}
    for target in distinct:
        fitting = [frame for frame in frames if frame == target.frame or _is_enough(frame, target.frame)]
        if fitting:
            parents[target] = min(fitting)
        else:
            roots.append(target.frame)
            frames.append(target.frame)
            parents[target] = target.frame
        if not target.cropped and target.frame not in frames:
            frames.append(target.frame)
    return Plan(tuple(roots), parents)


def _is_enough(frame: Frame, wanted: Frame) -> bool:
    # A side of one pixel stays one pixel; the longer side tells.
    return max(frame) >= LEAST_STEP * max(wanted)
