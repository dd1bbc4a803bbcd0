"""A part of `make sampling`: is a moderation card in an animation judged? Generated WebP animations, in this process.

Certain are a card that is shown for 1 / (JUDGED_FRAMES - 1) of the time, in one piece or several and among decoys that
are briefer or blurred copies of it; the longest shown picture; and a moving card that is there for a third of the time.
A card that is shown as briefly as everything else is not: the share is reported.
"""

import argparse
import io
import json
import random
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

from PIL import Image, ImageFilter

from embedded_aws.rekognition.cards import draw_card, read_card
from media_pipeline.images.animation import JUDGED_FRAMES
from media_pipeline.images.inspection import inspect
from media_pipeline.images.renditions import render
from media_pipeline.images.sizes import Size, Specs
from media_pipeline.limits import Limits

SIZE = (240, 160)
CARD = draw_card({"Weapons": 99.0}, SIZE)
SHARE = 1 / (JUDGED_FRAMES - 1)
SPECS = Specs(sizes=(Size(name="same", width=SIZE[0]),), formats=("webp",), quality={})
LIMITS = Limits()


@dataclass(frozen=True)
class Take:
    """A frame and the milliseconds for which it is shown."""

    picture: Image.Image
    milliseconds: int


Takes = list[Take]


def with_share(rng: random.Random) -> Takes:
    """The card for its share of the time, in one to six pieces, among briefer decoys."""
    takes = _decoys(rng, rng.randint(20, 60))
    pieces = rng.randint(1, 6)
    needed = SHARE / (1 - SHARE) * sum(take.milliseconds for take in takes)
    for _ in range(pieces):
        takes.insert(rng.randrange(1, len(takes)), Take(CARD, int(needed / pieces) + 1))
    return takes


def behind_blurred_copies(rng: random.Random) -> Takes:
    """The same, with blurred copies of the card in the first and the last frame."""
    takes = with_share(rng)
    blurred = [CARD.filter(ImageFilter.GaussianBlur(rng.uniform(3, 20))) for _ in range(2)]
    needed = 1 + int(SHARE / (1 - SHARE) * 40)
    return [Take(blurred[0], 20), *takes, Take(CARD, needed), Take(blurred[1], 20)]


def longest(rng: random.Random) -> Takes:
    """The card for a tenth more than any other of 20 to 40 pictures."""
    takes = [Take(take.picture, 100) for take in _decoys(rng, rng.randint(20, 40))]
    takes.insert(rng.randrange(1, len(takes)), Take(CARD, 110))
    return takes


def moving(rng: random.Random) -> Takes:
    """A card that moves for a third of the time, no two frames alike, among decoys that are shown longer each."""
    takes = [Take(take.picture, 400) for take in _decoys(rng, 20)]
    card = CARD.resize((180, 120))
    frames = []
    for number in range(50):
        frame = Image.new("RGB", SIZE, "white")
        frame.paste(card, (2 + number, 2 + number * 36 // 50))
        frames.append(Take(frame, 90))
    place = rng.randrange(1, len(takes))
    return [*takes[:place], *frames, *takes[place:]]


def as_brief_as_all(rng: random.Random) -> Takes:
    """The card as one of 20 to 60 pictures that are shown equally long."""
    takes = [Take(take.picture, 100) for take in _decoys(rng, rng.randint(20, 60))]
    takes.insert(rng.randrange(1, len(takes)), Take(CARD, 100))
    return takes


KINDS: dict[str, tuple[Callable[[random.Random], Takes], float]] = {
    "animation_with_share": (with_share, 1.0),
    "animation_behind_blurred_copies": (behind_blurred_copies, 1.0),
    "animation_longest": (longest, 1.0),
    "animation_moving": (moving, 1.0),
    "animation_as_brief_as_all": (as_brief_as_all, 0.0),
}
"""The generator of each kind, and the share of its cards that must be judged."""


def is_judged(takes: Sequence[Take]) -> bool:
    """Render an animation, and return whether a proxy shows the card."""
    data = io.BytesIO()
    takes[0].picture.save(
        data,
        "WEBP",
        save_all=True,
        append_images=[take.picture for take in takes[1:]],
        duration=[take.milliseconds for take in takes],
        lossless=True,
        method=0,
    )
    made = render(data.getvalue(), inspect(data.getvalue(), LIMITS), SPECS, LIMITS)
    if len(made.proxies) > JUDGED_FRAMES:
        raise AssertionError(f"{len(made.proxies)} frames are judged")
    return any(read_card(Image.open(io.BytesIO(proxy))) for proxy in made.proxies)


def judged_share(kind: str, seeds: Sequence[int]) -> float:
    """Return for which share of the animations of a kind the card is judged."""
    make, _ = KINDS[kind]
    return sum(is_judged(make(random.Random(f"{kind} {seed}"))) for seed in seeds) / len(seeds)


def _decoys(rng: random.Random, count: int) -> Takes:
    """Strong patterns of random cells, for 20 to 100 ms."""
    takes = []
    for _ in range(count):
        pattern = Image.new("RGB", (12, 8))
        pattern.putdata([(rng.randrange(256), rng.randrange(256), rng.randrange(256)) for _ in range(96)])
        takes.append(Take(pattern.resize(SIZE, Image.Resampling.NEAREST), rng.randint(20, 100)))
    return takes


def main() -> int:
    """Try all kinds; return 1 where one is judged less often than it must be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--animations", type=int, default=100, help="of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, default=Path("build/sampling-animations.json"))
    arguments = parser.parse_args()
    seeds = range(arguments.seed, arguments.seed + arguments.animations)
    with ProcessPoolExecutor() as pool:  # one process for each processor
        report = {}
        for kind, (_, least) in KINDS.items():
            found = pool.map(judged_share, repeat(kind), ([seed] for seed in seeds), chunksize=4)
            report[kind] = {"judged": round(sum(found) / len(seeds), 4), "least": least}
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    print(json.dumps(report))
    return int(any(found["judged"] < found["least"] for found in report.values()))


if __name__ == "__main__":
    sys.exit(main())
